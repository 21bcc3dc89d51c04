// Dead letters by what went wrong: those with one fingerprint (class, text without numbers and ids, first own frames) are one
// group. It reads the newest, and says how far it looked.

import type { RecordedFailure } from '../core/activity.ts'
import { aborted } from '../core/clock.ts'
import { LIMITS, OPERATION_LIMITS } from '../core/limits.ts'
import { checkInteger } from '../core/text.ts'
import type { DeadLetterSummary, Storage } from '../storage/storage.ts'

const SAMPLE_IDS = 5

/** What {@link groupDeadLetters} takes. */
export interface GroupParams {
  /** Only of this type. @defaultValue all */
  readonly type?: string | undefined
  /** Dead letters that it looks at, the newest, at most. Range: 1 to 200,000. @defaultValue 10_000 */
  readonly limit?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** Dead letters of one fingerprint. */
export interface DeadLetterGroup {
  readonly fingerprint: string
  readonly count: number
  /** Of those, how many were redriven already. */
  readonly redriven: number
  /** Their types, the most frequent first. */
  readonly types: readonly string[]
  readonly firstFailedAtMs: number
  readonly lastFailedAtMs: number
  /** The newest one's. */
  readonly error: RecordedFailure
  /** The newest, at most five. */
  readonly sampleIds: readonly string[]
}

/** What was found. */
export interface DeadLetterGroups {
  /** The largest first. */
  readonly groups: readonly DeadLetterGroup[]
  readonly lookedAt: number
  /** False: there are older ones, which are in no group. */
  readonly isComplete: boolean
}

/** Groups dead letters. Throws `invalid_argument`, and `cancelled` when the signal aborts. */
export async function groupDeadLetters(
  storage: Storage,
  { type, limit, signal }: GroupParams = {},
): Promise<DeadLetterGroups> {
  const [min, byDefault, max] = OPERATION_LIMITS.lookedAt
  const lookedAtMax = checkInteger('limit', limit ?? byDefault, min, max)
  const groups = new Map<string, GatheredGroup>()
  const seen = new Set<string>()
  let cursor: string | null = null
  do {
    if (signal?.aborted === true) throw aborted(signal)
    const count = Math.min(LIMITS.pageItemsMax, lookedAtMax - seen.size)
    const page = await storage.listDeadLetters({ cursor, limit: count, ...(type === undefined ? {} : { type }) })
    for (const letter of page.items) {
      if (seen.has(letter.id)) continue // copies of a dead letter are legal
      seen.add(letter.id)
      const group = groups.get(letter.fingerprint)
      if (group === undefined) groups.set(letter.fingerprint, new GatheredGroup(letter))
      else group.add(letter)
    }
    cursor = page.cursor
  } while (cursor !== null && seen.size < lookedAtMax)
  const bySize = [...groups.values()].map(group => group.shown()).sort((a, b) => b.count - a.count)
  return { groups: bySize, lookedAt: seen.size, isComplete: cursor === null }
}

/** A group that grows. Dead letters come newest first. */
class GatheredGroup {
  readonly #newest: DeadLetterSummary
  readonly #counts = new Map<string, number>()
  readonly #ids: string[] = []
  #count = 0
  #redriven = 0
  #firstMs: number
  #lastMs: number

  constructor(newest: DeadLetterSummary) {
    this.#newest = newest
    this.#firstMs = newest.failedAtMs
    this.#lastMs = newest.failedAtMs
    this.add(newest)
  }

  add({ id, type, failedAtMs, redrivenAs }: DeadLetterSummary): void {
    this.#count += 1
    if (redrivenAs !== null) this.#redriven += 1
    if (this.#ids.length < SAMPLE_IDS) this.#ids.push(id)
    this.#counts.set(type, (this.#counts.get(type) ?? 0) + 1)
    this.#firstMs = Math.min(this.#firstMs, failedAtMs)
    this.#lastMs = Math.max(this.#lastMs, failedAtMs)
  }

  shown(): DeadLetterGroup {
    const { fingerprint, error } = this.#newest
    return {
      ...{ fingerprint, count: this.#count, redriven: this.#redriven, error, sampleIds: this.#ids },
      types: [...this.#counts].sort(([, a], [, b]) => b - a).map(([type]) => type),
      firstFailedAtMs: this.#firstMs,
      lastFailedAtMs: this.#lastMs,
    }
  }
}
