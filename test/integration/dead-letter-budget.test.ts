// Handlers whose dependency is down, on real servers: the type slows down instead of emptying itself into the DLQ, other types
// go on, and once the dependency is back everything else is completed.

import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineActivity } from '../../src/client/define-activity.ts'
import type { OutcomeRecord } from '../../src/core/activity.ts'
import { systemClock } from '../../src/core/clock.ts'
import { dlqTopic } from '../../src/core/topics.ts'
import { decodeDlq } from '../../src/wire/dead-letter-record.ts'
import { Worker } from '../../src/worker/worker.ts'
import type { WorkerOptions } from '../../src/worker/worker-options.ts'
import { countOutcomes, ObservedNamespace, runAlone, settledTwice } from '../support/observed-namespace.ts'
import { once } from '../support/worker-setup.ts'

const work = defineActivity({ type: 'work', input: z.number(), maxAttempts: 2, retryDelayMs: 50 })
const other = defineActivity({ type: 'other', input: z.number() })

const OUTAGE_MS = 8_000

async function setup() {
  const observed = await ObservedNamespace.open({ types: [work.type, other.type] })
  const opened: { readonly worker: Worker; readonly close: () => Promise<void> }[] = []
  return {
    observed,
    /** A worker with a storage of its own, not started. */
    async worker(
      options: Partial<WorkerOptions>,
    ): Promise<{ readonly worker: Worker; readonly close: () => Promise<void> }> {
      const storage = await observed.openAnother({ commitIntervalMs: 100 })
      const reaper = { scheduleIntervalMs: 50, intervalMs: 100 }
      const worker = new Worker({ storage, leaseMs: 3_000, reaper, ...options })
      let closing: Promise<void> | undefined
      const close = (): Promise<void> => (closing ??= worker.stop({ graceMs: 2_000 }).then(() => storage.close()))
      opened.push({ worker, close })
      return { worker, close }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(opened.map(({ close }) => close()))
      await observed[Symbol.asyncDispose]()
    },
  }
}

/** Ids in the DLQ. */
async function deadLetters(observed: ObservedNamespace): Promise<Set<string>> {
  const records = await observed.records(dlqTopic(observed.namespace))
  return new Set(
    records.map(({ value, headers }) => {
      const letter = decodeDlq(value, headers)
      return letter.kind === 'poison' ? 'poison' : letter.record.activity.id
    }),
  )
}

function attemptsOf(outcomes: readonly OutcomeRecord[]): number {
  return Math.max(...outcomes.map(({ attempt }) => attempt))
}

test('while the handlers of a type fail, no more than the budget dies and other types go on; then all else is completed', async () => {
  await using context = await setup()
  const { observed } = context
  const budget = { burst: 5, perSuccess: 0.1, perMinute: 6, pauseMaxMs: 1_000 }
  const { worker } = await context.worker({ concurrency: 20, deadLetterBudget: budget })
  let isDown = true
  let runs = 0
  worker
    .handle(work, async () => {
      runs += 1
      await systemClock.sleep(5)
      if (isDown) throw new Error('it is down')
      return 'done'
    })
    .handle(other, n => n)
  const slow = once(worker, 'backing_off')
  const recovered = once(worker, 'recovered')
  const ids = await observed.enqueueAll(
    work,
    Array.from({ length: 300 }, (_, n) => n),
  )
  await worker.start()
  expect(await slow).toMatchObject({ type: 'work', reason: 'failures' })
  const beganMs = systemClock.monotonicMs()
  const others = await observed.enqueueAll(
    other,
    Array.from({ length: 500 }, (_, n) => n),
  )
  const ends = await observed.ended(others)
  expect(countOutcomes([...ends.values()].filter(({ id }) => others.includes(id)))).toEqual({ completed: 500 })
  const othersTookMs = systemClock.monotonicMs() - beganMs
  await systemClock.sleep(Math.max(0, OUTAGE_MS - othersTookMs))
  expect(worker.backingOff).toEqual(['work'])
  const [runsInOutage, duringOutage] = [runs, await deadLetters(observed)]
  const minutes = (systemClock.monotonicMs() - beganMs) / 60_000

  isDown = false
  await observed.ended(ids)
  await recovered
  const outcomes = await observed.outcomes()
  const dead = await deadLetters(observed)
  const counts = countOutcomes(outcomes.filter(({ id }) => ids.includes(id)))
  console.log(
    `${OUTAGE_MS} ms of outage: ${runsInOutage} runs, ${duringOutage.size} dead letters, ${dead.size} in all; ` +
      `500 of another type took ${othersTookMs.toFixed(0)} ms meanwhile; ${counts['completed']} completed`,
  )
  expect(duringOutage.size, runAlone()).toBeLessThanOrEqual(budget.burst + Math.ceil(budget.perMinute * minutes))
  expect(runsInOutage, runAlone()).toBeLessThan(120) // of 600 that the attempts would allow
  expect(counts['completed']).toBe(300 - dead.size)
  expect(dead.size).toBe(counts['dead_letter'] ?? 0)
  expect(dead.size, runAlone()).toBeLessThanOrEqual(duringOutage.size + 1)
  expect(settledTwice(outcomes), runAlone()).toEqual([])
  expect(attemptsOf(outcomes)).toBeLessThanOrEqual(2)
})

test('where half of the activities die by their own fault, they die as the budget allows, and the others wait for none of them', async () => {
  await using context = await setup()
  const { observed } = context
  const budget = { burst: 3, perSuccess: 0.5, perMinute: 120 }
  const { worker } = await context.worker({ concurrency: 4, deadLetterBudget: budget })
  const runs = new Map<number, number>()
  worker.handle(work, n => {
    runs.set(n, (runs.get(n) ?? 0) + 1)
    if (n % 2 === 0) throw new Error('always')
  })
  let withheld = 0
  worker.on('withheld', () => (withheld += 1))
  const inputs = Array.from({ length: 80 }, (_, n) => n)
  const beganMs = systemClock.monotonicMs()
  const ids = await observed.enqueueAll(work, inputs, { maxAttempts: 1 })
  await worker.start()
  await observed.ended(ids)
  const tookMs = systemClock.monotonicMs() - beganMs
  const dead = await deadLetters(observed)
  console.log(`40 that die and 40 that do not took ${tookMs.toFixed(0)} ms; ${withheld} were withheld`)
  expect(dead).toEqual(new Set(ids.filter((_, n) => n % 2 === 0)))
  expect(withheld, runAlone()).toBeGreaterThan(0)
  // 40 dead letters: 3 of the burst, 20 earned by successes, so 17 by time.
  expect(tookMs, runAlone()).toBeGreaterThan((17 / budget.perMinute) * 60_000 * 0.9)
  expect([...runs.values()].every(count => count === 1)).toBe(true)
  expect(settledTwice(await observed.outcomes()), runAlone()).toEqual([])
})

test('what a stopping worker withholds is given back, and its last attempt runs once more elsewhere', async () => {
  await using context = await setup()
  const { observed } = context
  const leaving = await context.worker({ workerId: 'leaving', concurrency: 1, deadLetterBudget: { burst: 1 } })
  leaving.worker.handle(work, () => {
    throw new Error('it is down')
  })
  const withheld = once(leaving.worker, 'withheld')
  const ids = await observed.enqueueAll(work, [1, 2])
  await leaving.worker.start()
  const { id } = await withheld
  await systemClock.sleep(4_000) // longer than its lease, which is renewed
  expect(await observed.storage.getActivity({ id })).toMatchObject({ status: 'running', attempt: 2 })
  await leaving.close()
  const staying = await context.worker({ workerId: 'staying' })
  staying.worker.handle(work, n => n)
  await staying.worker.start()
  const ends = await observed.ended(ids)
  expect(ends.get(id)).toMatchObject({ outcome: 'completed', attempt: 2, worker: 'staying' })
  const outcomes = await observed.outcomes()
  expect(countOutcomes(outcomes)).toEqual({ retrying: 2, dead_letter: 1, completed: 1 })
  expect(settledTwice(outcomes), runAlone()).toEqual([])
})
