// Dead letters on real servers, made without a worker.

import type { AttemptFailureReport } from '../../src/core/activity.ts'
import { systemClock } from '../../src/core/clock.ts'
import { ErrandError } from '../../src/core/errors.ts'
import { uuidv7Source } from '../../src/core/ids.ts'
import { newActivity } from '../../src/core/new-activity.ts'
import type { Storage } from '../../src/storage/storage.ts'

const ids = uuidv7Source({
  nowMs: () => systemClock.nowMs(),
  randomBytes: into => crypto.getRandomValues(into as Uint8Array<ArrayBuffer>),
})
const WAIT_MS_MAX = 30_000

/** How they died. */
export interface DeathSpec {
  readonly type: string
  readonly count: number
  /** @defaultValue of the n-th: `{ n }` */
  readonly payload?: (n: number) => unknown
  /** @defaultValue 'no route to host 10.0.0.<n>' */
  readonly message?: (n: number) => string
}

/** Makes activities that have died of their only attempt; gives their ids. The storage subscribes to the type. */
export async function makeDeadLetters(storage: Storage, spec: DeathSpec): Promise<string[]> {
  const { type, count, payload = n => ({ n }), message = n => `no route to host 10.0.0.${n}` } = spec
  await storage.subscribe({ types: [type] })
  const activities = Array.from({ length: count }, (_, n) =>
    newActivity({ type, payload: payload(n), maxAttempts: 1 }, { ids, nowMs: systemClock.nowMs() }),
  )
  await storage.enqueueMany({ activities })
  const numbers = new Map(activities.map(({ id }, n) => [id, n]))
  const untilMs = systemClock.monotonicMs() + WAIT_MS_MAX
  for (let dead = 0; dead < count;) {
    if (systemClock.monotonicMs() > untilMs) throw new ErrandError('timeout', `only ${dead} of ${count} have died`)
    const claimed = await storage.dequeue({ workerId: 'undertaker', timeoutMs: 1_000, types: [type], limit: 100 })
    await Promise.all(
      claimed.map(({ activity: { id }, leaseId }) =>
        storage.ackFailure({ id, leaseId, failure: failureOf(message(numbers.get(id) ?? 0)) }),
      ),
    )
    dead += claimed.length
  }
  return activities.map(({ id }) => id)
}

function failureOf(message: string): AttemptFailureReport {
  const stack = `Error: ${message}\n    at send (/app/mail.ts:10:3)`
  return { kind: 'retryable', error: { name: 'Error', message, stack } }
}
