// Dead letters on memory storage and a manual clock, and attempts of operations over them.

import { randomUUID } from 'node:crypto'
import type { Status } from '../../src/core/activity.ts'
import { failureFingerprint } from '../../src/core/failure.ts'
import { uuidv7Source } from '../../src/core/ids.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { newActivity } from '../../src/core/new-activity.ts'
import type { OperationSpec, OperationSummary } from '../../src/operations/operation.ts'
import { resolveOperation } from '../../src/operations/operation.ts'
import type { OperationProgress } from '../../src/operations/operation-progress.ts'
import { parseProgress } from '../../src/operations/operation-progress.ts'
import { OperationRun } from '../../src/operations/operation-run.ts'
import { MemoryStorage } from '../../src/storage/memory/memory-storage.ts'
import type { ActivitySummary, Page, Storage } from '../../src/storage/storage.ts'
import { silentTelemetry } from '../../src/telemetry/telemetry.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import type { AbortWhy } from '../../src/worker/attempt-aborted-error.ts'
import { AttemptAbortedError } from '../../src/worker/attempt-aborted-error.ts'

/** One attempt of an operation that runs. */
export interface RunningOperation {
  /** How it ended. Moves time meanwhile. */
  end(): Promise<OperationSummary>
  abort(why: AbortWhy): void
}

/** A storage with dead letters. */
export class OperationGround implements AsyncDisposable {
  readonly clock = new ManualClock()
  readonly ids = uuidv7Source({
    nowMs: () => this.clock.nowMs(),
    randomBytes: into => crypto.getRandomValues(into as Uint8Array<ArrayBuffer>),
  })
  readonly memory = new MemoryStorage({ clock: this.clock })
  readonly operationId = `op-${randomUUID()}`

  /** Activities that have died, a millisecond apart, the oldest first: their ids. */
  async dead(count: number, { type = 'mail', message = 'no route' } = {}): Promise<string[]> {
    const ids: string[] = []
    await this.memory.subscribe({ types: [type] })
    for (let n = 0; n < count; n++) {
      await this.clock.advance(1)
      const activity = newActivity({ type, payload: n, maxAttempts: 1 }, { ids: this.ids, nowMs: this.clock.nowMs() })
      await this.memory.enqueueMany({ activities: [activity] })
      const [claimed] = await this.memory.dequeue({ workerId: 'w', timeoutMs: 0, types: [type] })
      const lease = { id: activity.id, leaseId: claimed?.leaseId ?? '' }
      await this.memory.ackFailure({ ...lease, failure: { kind: 'retryable', error: { name: 'Error', message } } })
      ids.push(activity.id)
    }
    return ids
  }

  /** Activities that wait, now or for an hour. */
  async waiting(count: number, { type = 'mail', delayMs = 0 } = {}): Promise<string[]> {
    await this.memory.subscribe({ types: [type] })
    const context = { ids: this.ids, nowMs: this.clock.nowMs() }
    const activities = Array.from({ length: count }, (_, n) => newActivity({ type, payload: n, delayMs }, context))
    await this.memory.enqueueMany({ activities })
    return activities.map(({ id }) => id)
  }

  /** Begins an attempt of the operation. */
  async begin(spec: OperationSpec, storage: Storage = this.memory): Promise<RunningOperation> {
    const stop = new AbortController()
    const run = await OperationRun.begin({
      ...{
        storage,
        clock: this.clock,
        logger: silentLogger,
        telemetry: silentTelemetry,
        id: this.operationId,
        worker: 'w1',
      },
      ...{ operation: resolveOperation(spec), signal: stop.signal },
    })
    const performed = run.perform()
    performed.catch(() => undefined) // told by end()
    return {
      abort: why => stop.abort(new AttemptAbortedError(why, { id: this.operationId, attempt: 1 })),
      end: () => this.until(performed),
    }
  }

  /** Performs a whole operation. */
  async perform(spec: OperationSpec, storage?: Storage): Promise<OperationSummary> {
    return (await this.begin(spec, storage)).end()
  }

  /** Moves time until the promise is settled. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let isOver = false
    void promise.then(
      () => (isOver = true),
      () => (isOver = true),
    )
    while (!isOver) await this.clock.advance(100)
    return promise
  }

  /** What was saved of the operation. */
  async progress(): Promise<OperationProgress | null> {
    return parseProgress(await this.memory.operations.get({ id: this.operationId }))
  }

  /** Everything that is scheduled. */
  async scheduled(): Promise<ActivitySummary[]> {
    return this.#all('scheduled')
  }

  async #all(status: Status, type?: string): Promise<ActivitySummary[]> {
    const items: ActivitySummary[] = []
    let cursor: string | null = null
    do {
      const params = { status, cursor, limit: 200, ...(type === undefined ? {} : { type }) }
      const page: Page<ActivitySummary> = await this.memory.list(params)
      items.push(...page.items)
      cursor = page.cursor
    } while (cursor !== null)
    return items
  }

  /** How often each of these was redriven: by whose activities name it. */
  async redrives(ids: readonly string[], type = 'mail'): Promise<Record<string, number>> {
    const counts: Record<string, number> = Object.fromEntries(ids.map(id => [id, 0]))
    for (const { id } of await this.#all('pending', type)) {
      const of = (await this.memory.getActivity({ id }))?.redriveOf ?? ''
      counts[of] = (counts[of] ?? 0) + 1
    }
    return counts
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.memory.close()
  }
}

/** The fingerprint of {@link OperationGround.dead}. */
export function fingerprintOf(message: string): string {
  return failureFingerprint({ name: 'Error', message })
}

/** So many of each. */
export function each(ids: readonly string[], count: number): Record<string, number> {
  return Object.fromEntries(ids.map(id => [id, count]))
}
