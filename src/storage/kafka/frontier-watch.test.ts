import { expect, test } from 'vitest'
import { ManualClock } from '../../testing/manual-clock.ts'
import { FrontierWatch } from './frontier-watch.ts'
import type { Depth } from './lane-depths.ts'

const depth = (low: number, high: number, finishedAhead = 0): Depth => ({
  ...{ topic: 'ns.mail.high', partition: 0, low, high, finishedAhead, finishedRuns: [] },
})

test('a frontier stands from when it was first seen with work until it moves or has none', async () => {
  const clock = new ManualClock()
  const watch = new FrontierWatch(clock)
  const look = async (...depths: Depth[]): Promise<number | undefined> => {
    const stood = watch.look(depths).get('ns.mail.high:0')
    await clock.advance(100)
    return stood
  }
  expect(await look(depth(5, 5))).toBeUndefined()
  expect(await look(depth(5, 9))).toBe(0)
  expect(await look(depth(5, 9, 2))).toBe(100)
  expect(await look(depth(5, 12, 6))).toBe(200)
  expect(await look(depth(8, 12))).toBe(0)
  expect(await look(depth(8, 12, 4))).toBeUndefined()
  expect(await look(depth(8, 12))).toBe(0)
  expect(await look()).toBeUndefined()
  expect(await look(depth(8, 12))).toBe(0)
})
