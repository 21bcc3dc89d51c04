import { describe, expect, test } from 'vitest'

import { ManualClock } from './manual-clock.ts'

describe('ManualClock', () => {
  test('stands still until it is moved', async () => {
    const clock = new ManualClock(5_000)
    expect([clock.nowMs(), clock.monotonicMs()]).toEqual([5_000, 0])
    await clock.advance(7)
    expect([clock.nowMs(), clock.monotonicMs()]).toEqual([5_007, 7])
    await clock.advanceTo(6_000)
    expect(clock.nowMs()).toBe(6_000)
  })

  test('fires timers in the order in which they are due, each at its own time, equals in the order of setting', async () => {
    const clock = new ManualClock(0)
    const seen: string[] = []
    const note = (name: string) => () => void seen.push(`${name}@${clock.nowMs()}`)
    clock.after(20, note('c'))
    clock.after(10, note('a'))
    clock.after(10, note('b'))
    clock.after(-1, note('now'))
    clock.after(31, note('never'))
    expect(clock.nextDueMs).toBe(0)
    await clock.advance(30)
    expect(seen).toEqual(['now@0', 'a@10', 'b@10', 'c@20'])
    expect([clock.pendingTimers, clock.nextDueMs, clock.nowMs()]).toEqual([1, 31, 30])
  })

  test('lets a loop set its next timer in time for the same advance', async () => {
    const clock = new ManualClock(0)
    const at: number[] = []
    const loop = async (): Promise<void> => {
      for (let round = 0; round < 5; round++) {
        await clock.sleep(10)
        await Promise.resolve()
        at.push(clock.nowMs())
      }
    }
    const ended = loop()
    await clock.advance(50)
    expect(at).toEqual([10, 20, 30, 40, 50])
    await ended
    expect(clock.nextDueMs).toBeNull()
  })

  test('a cancelled timer does not fire, and cancelling again does nothing', async () => {
    const clock = new ManualClock()
    const cancel = clock.after(1, () => expect.unreachable())
    cancel()
    cancel()
    await clock.advance(10)
  })

  test('a sleep ends with its signal', async () => {
    const clock = new ManualClock()
    const aborter = new AbortController()
    const slept = clock.sleep(10, { signal: aborter.signal })
    aborter.abort()
    await expect(slept).rejects.toMatchObject({ code: 'cancelled' })
    expect(clock.pendingTimers).toBe(0)
  })

  test('never moves back', async () => {
    const clock = new ManualClock(100)
    await expect(clock.advanceTo(99)).rejects.toMatchObject({ code: 'invalid_argument' })
    await expect(clock.advance(Number.NaN)).rejects.toMatchObject({ code: 'invalid_argument' })
  })

  test('stands where a timer threw', async () => {
    const clock = new ManualClock(0)
    clock.after(5, () => {
      throw new Error('x')
    })
    await expect(clock.advance(10)).rejects.toThrow('x')
    expect(clock.nowMs()).toBe(5)
  })
})
