// What an operation would act on, before it is started. It reads, and changes nothing.

import { aborted } from '../core/clock.ts'
import { OPERATION_LIMITS } from '../core/limits.ts'
import { checkInteger } from '../core/text.ts'
import type { Storage } from '../storage/storage.ts'
import type { OperationSpec } from './operation.ts'
import { resolveOperation } from './operation.ts'
import type { Item } from './operation-items.ts'
import { readItems } from './operation-items.ts'
import type { Position } from './operation-progress.ts'

const SAMPLES = 3

/** What {@link previewOperation} takes. */
export interface PreviewParams {
  readonly storage: Storage
  readonly spec: OperationSpec
  /** Activities that it looks at, at most. Range: 1 to 200,000. @defaultValue 10_000 */
  readonly limit?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** What an operation would find. */
export interface OperationPreview {
  /** Items that it would act on, its `max` considered. */
  readonly count: number
  /** False: there are more, maybe; not everything was looked at. */
  readonly isExact: boolean
  /** Matching, but redriven before; to discard, of those that are named, also what was discarded. */
  readonly already: number
  readonly lookedAt: number
  /** The first three that it would act on. */
  readonly samples: readonly Item[]
}

/** Counts what an operation would act on. Throws `invalid_argument` for its spec, `cancelled` when the signal aborts. */
export async function previewOperation({ storage, spec, limit, signal }: PreviewParams): Promise<OperationPreview> {
  const operation = resolveOperation(spec)
  const [min, byDefault, max] = OPERATION_LIMITS.lookedAt
  const lookedAtMax = checkInteger('limit', limit ?? byDefault, min, max)
  const samples: Item[] = []
  let [count, already, lookedAt] = [0, 0, 0]
  let position: Position | null = { stage: 0, cursor: null }
  while (position !== null && lookedAt < lookedAtMax && count < operation.max) {
    if (signal?.aborted === true) throw aborted(signal)
    const page = await readItems(storage, operation, position)
    const fresh = page.items.filter(({ isAlready }) => !isAlready)
    samples.push(...fresh.slice(0, SAMPLES - samples.length))
    count += fresh.length
    already += page.items.length - fresh.length
    lookedAt += page.lookedAt
    position = page.next
  }
  const isEnough = count >= operation.max
  return { count: Math.min(count, operation.max), isExact: isEnough || position === null, already, lookedAt, samples }
}
