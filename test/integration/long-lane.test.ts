// Lanes are kept for ever, and trimmed below what is committed, so that nothing unfinished can go.

import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineActivity } from '../../src/client/define-activity.ts'
import type { ClaimedAttempt } from '../../src/core/activity.ts'
import { systemClock } from '../../src/core/clock.ts'
import { laneTopic } from '../../src/core/topics.ts'
import type { KafkaStorage } from '../../src/storage/kafka/index.ts'
import { ObservedNamespace, runAlone, settledTwice } from '../support/observed-namespace.ts'

const work = defineActivity({ type: 'work', input: z.number(), maxAttempts: 1 })
const claim = { workerId: 'w', limit: 500, timeoutMs: 5_000, leaseMs: 60_000 }

/** Claims so many attempts. */
async function claimed(storage: KafkaStorage, count: number): Promise<ClaimedAttempt[]> {
  const attempts: ClaimedAttempt[] = []
  while (attempts.length < count) {
    const more = await storage.dequeue({ ...claim, limit: Math.min(500, count - attempts.length) })
    if (more.length === 0) break
    attempts.push(...more)
  }
  return attempts
}

async function complete(storage: KafkaStorage, attempts: readonly ClaimedAttempt[]): Promise<void> {
  const answers = await storage.ackSuccess({
    leases: attempts.map(({ activity, leaseId }) => ({ id: activity.id, leaseId })),
  })
  expect(new Set(answers)).toEqual(new Set(['settled']))
}

test('trimming takes what lies below the committed frontier and nothing else, and a restart after it loses nothing', async () => {
  await using observed = await ObservedNamespace.open({ types: [work.type] })
  const lane = laneTopic(observed.namespace, work.type, 'normal')
  const lows = async (): Promise<number[]> => (await observed.bounds(lane)).map(({ low }) => low)
  const first = await observed.openAnother({ commitIntervalMs: 50, sessionTimeoutMs: 1_500 })
  await first.subscribe({ types: [work.type] })
  const ids = await observed.enqueueAll(
    work,
    Array.from({ length: 3_000 }, (_, n) => n),
  )
  expect(await first.catchUp({ types: [work.type], timeoutMs: 20_000 })).toBe(true)
  expect(await first.trimLanes(), 'nothing is finished').toBe(0)

  const attempts = await claimed(first, 3_000)
  expect(attempts.length, runAlone()).toBe(3_000)
  const offsetOf = ({ coordinates }: ClaimedAttempt): number => Number(coordinates?.offset)
  const kept = (attempt: ClaimedAttempt): boolean => offsetOf(attempt) === 700 || offsetOf(attempt) >= 1_000
  const isBelow = (attempt: ClaimedAttempt): boolean => !kept(attempt)
  await complete(first, attempts.filter(isBelow))
  await first[Symbol.asyncDispose]() // commits, and gives back what is left

  await using second = await observed.openAnother({ commitIntervalMs: 50, sessionTimeoutMs: 1_500 })
  expect(await second.trimLanes(), runAlone()).toBe(2 * 700)
  expect(await lows()).toEqual([700, 700])
  expect(await second.trimLanes(), 'trimmed already').toBe(0)

  await second.subscribe({ types: [work.type] })
  const rest = await claimed(second, attempts.filter(kept).length)
  const idsOf = (list: readonly ClaimedAttempt[]): string[] => list.map(({ activity }) => activity.id).sort()
  expect(idsOf(rest), runAlone()).toEqual(idsOf(attempts.filter(kept)))
  expect((await second.dequeue({ ...claim, timeoutMs: 500 })).length, 'finished ahead, so not seen again').toBe(0)
  await complete(second, rest)
  await observed.ended(ids)
  expect(settledTwice(await observed.outcomes()), runAlone()).toEqual([])

  // Once everything is committed the lane is empty, and takes more.
  const ends = (await observed.bounds(lane)).map(({ high }) => high)
  const untilMs = systemClock.monotonicMs() + 10_000
  while ((await lows()).join() !== ends.join() && systemClock.monotonicMs() < untilMs) {
    await second.trimLanes()
    await systemClock.sleep(50)
  }
  expect(await lows(), runAlone()).toEqual(ends)
  const again = await observed.enqueueAll(work, [1, 2, 3, 4])
  await complete(second, await claimed(second, 4))
  await observed.ended(again)
})
