import { expect, test } from 'vitest'
import type { LaneFigures } from '../storage/storage.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { gate } from '../../test/support/worker-setup.ts'
import { LaneGauges } from './lane-gauges.ts'

const LANE: LaneFigures = {
  ...{ type: 'mail', priority: 'high', pending: 3, oldestPendingAtMs: null, running: 2, scheduled: 1, deadLetters: 4 },
  ...{ finishedAhead: 9, frontierStuckMs: 700, consumers: 1 },
}

function setup(lane: (clock: ManualClock) => Partial<LaneFigures> = () => ({})) {
  const clock = new ManualClock()
  let looks = 0
  let look = async (): Promise<LaneFigures[]> => [{ ...LANE, ...lane(clock) }]
  const storage = { laneFigures: () => ((looks += 1), look()) }
  const gauges = new LaneGauges({ storage, clock, intervalMs: 15_000 })
  const values = async () => Object.fromEntries((await gauges.read()).map(({ name, value }) => [name, value]))
  return { clock, gauges, values, looks: () => looks, replace: (other: typeof look) => void (look = other) }
}

test('each figure of a lane becomes a gauge with its type and priority', async () => {
  const { gauges, values } = setup(clock => ({ oldestPendingAtMs: clock.nowMs() - 1_500 }))
  expect(await values()).toEqual({
    ...{ lane_pending: 3, lane_oldest_pending_age: 1_500, lane_running: 2, lane_scheduled: 1, lane_dead_letters: 4 },
    ...{ frontier_hold: 9, frontier_hold_age: 700 },
  })
  for (const { labels } of await gauges.read()) expect(labels).toEqual({ type: 'mail', priority: 'high' })
})

test.each([
  ['is 0 when nothing waits', { pending: 0 }, 0],
  ['is not known when something waits that was not found yet', {}, Number.NaN],
  ['is never below 0, whatever the clocks say', { oldestPendingAtMs: 9e15 }, 0],
])('the age of the oldest %s', async (_, lane, expected) => {
  expect((await setup(() => lane).values())['lane_oldest_pending_age']).toBe(expected)
})

test('the storage is asked once in an interval, and the age goes on meanwhile', async () => {
  let since: number | undefined
  const { clock, values, looks } = setup(({ nowMs }) => ({ oldestPendingAtMs: (since ??= nowMs.call(clock)) }))
  expect(await values()).toMatchObject({ lane_oldest_pending_age: 0 })
  await clock.advance(14_999)
  expect(await values()).toMatchObject({ lane_oldest_pending_age: 14_999 })
  expect(looks()).toBe(1)
  await clock.advance(1)
  await values()
  expect(looks()).toBe(2)
})

test('those who collect at once share a look', async () => {
  const { gauges, looks, replace } = setup()
  const { opened, open } = gate()
  replace(async () => {
    await opened
    return [LANE]
  })
  const both = Promise.all([gauges.read(), gauges.read()])
  open()
  await both
  expect(looks()).toBe(1)
})

test('nothing old is shown for a look that fails', async () => {
  const { clock, gauges, replace } = setup()
  await gauges.read()
  replace(() => Promise.reject(new Error('Redis is away')))
  await clock.advance(15_000)
  await expect(gauges.read()).rejects.toThrow('Redis is away')
})

test('a look that takes too long holds nobody up, and serves whoever comes next', async () => {
  const { clock, gauges, looks, replace } = setup()
  const { opened, open } = gate()
  replace(async () => {
    await opened
    return [LANE]
  })
  const first = expect(gauges.read()).rejects.toMatchObject({ code: 'timeout' })
  await clock.advance(5_000)
  await first
  const second = gauges.read()
  open()
  expect(await second).toHaveLength(7)
  expect(await gauges.read()).toHaveLength(7)
  expect(looks()).toBe(1)
})
