// A sound run: sixty seconds in which everything happens that a run can have, and all of it is explained. Tests of the checker
// plant one fault of Errand's into it at a time.

import type { Evidence } from '../evidence.ts'
import { resultSha } from './results.ts'
import type { Wanted } from './run-builder.ts'
import { RunBuilder } from './run-builder.ts'

const PRIORITIES = ['critical', 'high', 'normal', 'low'] as const
const TYPES = ['alpha', 'beta'] as const
/** A worker that no fault hits. */
const SAFE = 'worker-9'

const LOSSES = [
  { fromMono: 22_000, toMono: 24_000 },
  { fromMono: 42_000, toMono: 44_000 },
]

/** The evidence of a sound run; with `losesRedis` false, of one in which Redis keeps its data. */
export function soundRun({ losesRedis = true }: { readonly losesRedis?: boolean } = {}): Evidence {
  const builder = new RunBuilder({
    seconds: 60,
    faults: [...(losesRedis ? ['redis.flushall'] : []), 'worker.kill', 'worker.stop', 'worker.term'],
    redisLosses: losesRedis ? LOSSES : [],
  })
  faults(builder)
  if (losesRedis) losses(builder)
  ordinary(builder)
  retries(builder)
  schedules(builder)
  keys(builder)
  disasters(builder)
  return builder.evidence()
}

function faults(builder: RunBuilder): void {
  builder.fault('worker.kill', 'worker-1', 10_000, 10_900)
  builder.fault('worker.stop', 'worker-4', 15_000, 19_500)
  builder.fault('worker.term', 'worker-2, worker-3', 27_000, 28_000)
  builder.fault('worker.kill', 'worker-5', 30_000, 30_900)
  builder.fault('worker.stop', 'worker-6', 35_000, 39_000)
  builder.fault('worker.term', 'worker-7', 47_000, 48_000)
}

/** Two a second, of all types and priorities, which complete. */
function ordinary(builder: RunBuilder): void {
  for (let n = 0; n < 110; n++) {
    const wanted = builder.wanted(`plain-${n}`, {
      type: TYPES[n % 2] ?? 'alpha',
      priority: PRIORITIES[(n >> 1) % 4] ?? 'normal',
    })
    const at = 300 + n * 500
    builder.enqueue(wanted, at)
    complete(builder, wanted, 1, at + 20)
    if (n % 10 === 0) for (const later of [200, 700]) builder.look(wanted, at + later, resultSha('ok', '{"n":1}'))
  }
}

function complete(builder: RunBuilder, wanted: Wanted, attempt: number, from: number, proc = SAFE): void {
  builder.attempt(wanted, { attempt, proc, from, to: from + 50, want: 'success' })
}

/** Failures of all kinds, and what is redriven. */
function retries(builder: RunBuilder): void {
  const flaky = builder.wanted('flaky', { priority: 'high', plan: 'flaky' })
  builder.enqueue(flaky, 1_000)
  builder.attempt(flaky, { attempt: 1, proc: SAFE, from: 1_020, to: 1_050, want: 'retryable' })
  builder.dispatch(flaky, 2, 1_260)
  complete(builder, flaky, 2, 1_270)

  const doomed = builder.wanted('doomed', { plan: 'doomed', maxAttempts: 2 })
  builder.enqueue(doomed, 2_000)
  builder.attempt(doomed, { attempt: 1, proc: SAFE, from: 2_020, to: 2_050, want: 'retryable' })
  builder.dispatch(doomed, 2, 2_255)
  builder.attempt(doomed, { attempt: 2, proc: SAFE, from: 2_260, to: 2_300, want: 'timeout' })
  const redriven = builder.redrive(doomed, 'doomed-again', 3_000)
  builder.attempt(redriven, { attempt: 1, proc: SAFE, from: 3_020, to: 3_050, want: 'retryable' })
  builder.dispatch(redriven, 2, 3_251)
  builder.attempt(redriven, { attempt: 2, proc: SAFE, from: 3_260, to: 3_300, want: 'retryable' })

  const refused = builder.wanted('refused', { type: 'beta', priority: 'low', plan: 'refuse' })
  builder.enqueue(refused, 4_000)
  builder.attempt(refused, { attempt: 1, proc: SAFE, from: 4_020, to: 4_050, want: 'non_retryable' })
}

/** Later, cancelled while it waits, cancelled while it runs. */
function schedules(builder: RunBuilder): void {
  const later = builder.wanted('later', { type: 'beta', due: 7_000 })
  builder.enqueue(later, 5_000)
  builder.dispatch(later, 1, 7_010)
  complete(builder, later, 1, 7_020)

  const cancelled = builder.wanted('cancelled', { type: 'beta', priority: 'high', due: 9_000 })
  builder.enqueue(cancelled, 5_100)
  builder.cancel(cancelled, 1, 5_500)

  const asked = builder.wanted('asked-to-end', { plan: 'slow' })
  builder.enqueue(asked, 6_000)
  builder.askToCancel(asked, 6_100)
  builder.attempt(asked, { attempt: 1, proc: SAFE, from: 6_020, to: 6_300, want: 'cancelled' })
}

/** Every behaviour of keys. */
function keys(builder: RunBuilder): void {
  const first = builder.wanted('k1-first', { key: 'k1', onDuplicate: 'return_existing' })
  builder.enqueue(first, 7_100)
  complete(builder, first, 1, 7_120)
  const again = builder.wanted('k1-again', { key: 'k1', onDuplicate: 'return_existing' })
  builder.enqueue(again, 7_300, { outcome: 'existing', existingId: 'k1-first' }, 'producer-2')
  const strict = builder.wanted('k1-strict', { key: 'k1', onDuplicate: 'no_reuse' })
  builder.enqueue(strict, 7_400, { outcome: 'refused', existingId: 'k1-first' })
  const moved = builder.wanted('k1-moved', { key: 'k1', onDuplicate: 'allow_reuse' })
  builder.enqueue(moved, 7_500)
  complete(builder, moved, 1, 7_520)
  const last = builder.wanted('k1-last', { key: 'k1', onDuplicate: 'return_existing' })
  builder.enqueue(last, 7_700, { outcome: 'existing', existingId: 'k1-moved' })

  const failed = builder.wanted('k2-failed', { key: 'k2', onDuplicate: 'allow_reuse_on_failure', plan: 'refuse' })
  builder.enqueue(failed, 8_000)
  builder.attempt(failed, { attempt: 1, proc: SAFE, from: 8_020, to: 8_050, want: 'non_retryable' })
  const better = builder.wanted('k2-better', { key: 'k2', onDuplicate: 'allow_reuse_on_failure' })
  builder.enqueue(better, 8_200)
  complete(builder, better, 1, 8_220)
  const late = builder.wanted('k2-late', { key: 'k2', onDuplicate: 'allow_reuse_on_failure' })
  builder.enqueue(late, 8_500, { outcome: 'refused', existingId: 'k2-better' })
}

/** What the faults do. */
function disasters(builder: RunBuilder): void {
  // Its worker is killed: the lease runs out, another attempt follows.
  const orphan = builder.wanted('orphan', { plan: 'slow', priority: 'critical' })
  builder.enqueue(orphan, 9_500)
  builder.attempt(orphan, { attempt: 1, proc: 'worker-1', from: 9_600, to: null, want: 'success' })
  builder.expire(orphan, 1, 9_600, 11_700)
  complete(builder, orphan, 2, 11_900)

  // Its worker is stopped for longer than a lease, and is refused when it wakes, its effect done.
  const zombie = builder.wanted('zombie', { plan: 'slow', type: 'beta' })
  builder.enqueue(zombie, 14_000)
  const renewals = [14_700]
  builder.expire(zombie, 1, 14_100, 16_900)
  builder.attempt(zombie, {
    attempt: 1,
    proc: 'worker-4',
    from: 14_100,
    to: 19_600,
    want: 'success',
    isLost: true,
    renewals,
  })
  complete(builder, zombie, 2, 17_000)

  // Its worker is killed when the effect is done and nobody knows.
  const done = builder.wanted('done', { plan: 'slow', type: 'beta' })
  builder.enqueue(done, 29_800)
  const doneAt = 29_950
  builder.attempt(done, { attempt: 1, proc: 'worker-5', from: 29_900, to: null, want: 'success', doneAt })
  builder.expire(done, 1, 29_900, 32_000)
  complete(builder, done, 2, 32_100)

  // Given back at a shutdown: by a call, and by a storage that is closed.
  const released = builder.wanted('released', { plan: 'slow' })
  builder.enqueue(released, 26_900)
  const leaseId = builder.attempt(released, { attempt: 1, proc: 'worker-2', from: 26_950, to: null, want: 'success' })
  builder.release(released, leaseId, 'worker-2', 27_100)
  complete(builder, released, 1, 27_200)
  const closed = builder.wanted('closed', { plan: 'slow', type: 'beta' })
  builder.enqueue(closed, 26_900)
  builder.attempt(closed, { attempt: 1, proc: 'worker-3', from: 26_950, to: null, want: 'success' })
  complete(builder, closed, 1, 27_300)

  // Its producer never heard of it, and it is there all the same.
  const unheard = builder.wanted('unheard', { priority: 'high' })
  builder.enqueue(unheard, 33_000, { outcome: 'unavailable' })
  complete(builder, unheard, 1, 33_100)
}

/** Redis forgets that something was settled, and it runs again. */
function losses(builder: RunBuilder): void {
  builder.fault('redis.flushall', 'redis', 22_000, 22_500, true)
  builder.fault('redis.flushall', 'redis', 42_000, 42_500, true)
  const forgotten = builder.wanted('forgotten', { priority: 'low' })
  builder.enqueue(forgotten, 21_000)
  complete(builder, forgotten, 1, 21_900)
  complete(builder, forgotten, 1, 23_000)
}
