// Ten minutes during which what the handlers call is down, on the memory storage and a clock that is moved: how many of a
// thousand activities end as dead letters, and how many are completed once it is back.

import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineActivity } from '../client/define-activity.ts'
import type { EnqueueOptions } from '../client/submission.ts'
import type { WorkerSetup } from '../../test/support/worker-setup.ts'
import { setupWorker, turns } from '../../test/support/worker-setup.ts'
import type { HandlerContext } from './handler-context.ts'
import type { WorkerOptions } from './worker-options.ts'

const COUNT = 1_000
const OUTAGE_S = 600
const AFTER_S = 120
const { burst, perMinute } = { burst: 20, perMinute: 1 }

const work = defineActivity({ type: 'work', input: z.number(), timeoutMs: 2_000 })

interface Outage {
  /** @defaultValue fails at once */
  readonly fails?: (ctx: HandlerContext) => Promise<never>
  readonly options?: Partial<EnqueueOptions>
  /** All at once, or evenly over the outage. */
  readonly isSpread?: boolean
  readonly budget?: WorkerOptions['deadLetterBudget']
}

/** A second: what is due becomes ready, and what runs comes to rest. */
async function second({ clock, memory }: WorkerSetup): Promise<void> {
  await clock.advance(1_000)
  for (let round = 0; round < 2; round++) {
    await memory.processScheduled({ limit: 1_000 })
    await turns(5)
  }
}

async function enqueue({ client }: WorkerSetup, count: number, options: Partial<EnqueueOptions>): Promise<void> {
  if (count === 0) return
  await client.enqueueMany(
    work,
    Array.from({ length: count }, (_, input) => ({ input, options })),
  )
}

/** Dead letters when the outage is over and a while later, and how often handlers ran in it. */
async function live({ fails = down, options = {}, isSpread = false, budget }: Outage) {
  await using setup = setupWorker(budget === undefined ? {} : { deadLetterBudget: budget })
  const { worker, memory } = setup
  let isDown = true
  let runs = 0
  worker.handle(work, (_input, ctx) => {
    runs += 1
    return isDown ? fails(ctx) : 'done'
  })
  await worker.start()
  if (!isSpread) await enqueue(setup, COUNT, options)
  for (let at = 1; at <= OUTAGE_S; at++) {
    if (isSpread)
      await enqueue(setup, Math.floor((at * COUNT) / OUTAGE_S) - Math.floor(((at - 1) * COUNT) / OUTAGE_S), options)
    await second(setup)
  }
  const during = (await memory.stats()).dead_letter
  const runsInOutage = runs
  isDown = false
  for (let at = 0; at < AFTER_S; at++) await second(setup)
  const { dead_letter, completed } = await memory.stats()
  expect(completed + dead_letter).toBe(COUNT)
  return { during, after: dead_letter, completed, runsInOutage, isBackingOff: worker.backingOff.length > 0 }
}

async function down(): Promise<never> {
  throw new Error('it is down')
}

function hang({ signal }: HandlerContext): Promise<never> {
  return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
}

const outages: [string, Outage][] = [
  ['all waiting when it begins', {}],
  ['coming in while it lasts', { isSpread: true }],
  ['calls that hang', { fails: hang }],
  ['two attempts each', { options: { maxAttempts: 2 } }],
]

test.each(outages)(
  'ten minutes, a thousand activities, %s: no more dead letters than the budget',
  async (name, outage) => {
    const { during, after, completed, runsInOutage, isBackingOff } = await live(outage)
    console.info(
      `${name}: ${during} dead letters in the outage, ${after} in all, ${completed} completed, ${runsInOutage} runs`,
    )
    expect(during).toBeLessThanOrEqual(burst + perMinute * (OUTAGE_S / 60))
    // Whatever had not died is completed, but for a credit that time may earn before the next probe.
    expect(after).toBeLessThanOrEqual(during + perMinute)
    expect(isBackingOff).toBe(false)
  },
  60_000,
)

test('one attempt each: what had failed before the type stopped dies as it must, and nothing else', async () => {
  const { during, after, completed, runsInOutage } = await live({ options: { maxAttempts: 1 } })
  console.info(`one attempt each: ${during} dead letters in the outage, ${after} in all, ${completed} completed`)
  expect(during).toBeLessThanOrEqual(burst + perMinute * (OUTAGE_S / 60))
  expect(after).toBeLessThanOrEqual(runsInOutage)
  expect(runsInOutage).toBeLessThan(100) // fifty at once, and the probes
}, 60_000)

test('without a budget all of them die', async () => {
  const { during, completed } = await live({ budget: false })
  console.info(`without a budget: ${during} dead letters in the outage, ${completed} completed`)
  expect(during).toBe(COUNT)
}, 60_000)
