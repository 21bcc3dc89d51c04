import { describe, expect, it } from 'vitest'
import { ManualClock } from '../testing/manual-clock.ts'
import { PositionWaiters } from './position-waiters.ts'

function setup(here: Record<string, number>) {
  const clock = new ManualClock()
  const waiters = new PositionWaiters(clock, ({ topic, partition }) => here[`${topic}${partition}`])
  return { clock, here, waiters }
}

describe('waiting for positions', () => {
  it('is over when every target that is here is reached', async () => {
    const { here, waiters, clock } = setup({ a0: 5, a1: 0 })
    const reached = waiters.wait(
      [
        { topic: 'a', partition: 0, offset: 5 },
        { topic: 'a', partition: 1, offset: 3 },
        { topic: 'b', partition: 0, offset: 9 },
      ],
      1_000,
    )
    here['a1'] = 2
    waiters.check()
    here['a1'] = 3
    waiters.check()
    expect(await reached).toBe(true)
    expect(clock.pendingTimers).toBe(0)
  })

  it('gives up after its time, and when all is ended', async () => {
    const { waiters, clock } = setup({ a0: 5 })
    const targets = [{ topic: 'a', partition: 0, offset: 6 }]
    const late = waiters.wait(targets, 1_000)
    await clock.advance(1_000)
    expect(await late).toBe(false)
    const ended = waiters.wait(targets, 1_000)
    waiters.endAll()
    expect(await ended).toBe(false)
  })

  it('does not wait for what is not here', async () => {
    const { waiters } = setup({})
    expect(await waiters.wait([{ topic: 'a', partition: 0, offset: 6 }], 1_000)).toBe(true)
  })
})
