import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

import { ManualClock } from '../testing/manual-clock.ts'
import { aborted, systemClock, withDeadline, withSignal } from './clock.ts'
import { isErrandError } from './errors.ts'

/** A promise with its ends in hand. */
const deferred = <T>() => Promise.withResolvers<T>()

describe('systemClock', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('tells the wall clock and a monotonic time', () => {
    vi.setSystemTime(1_000)
    expect(systemClock.nowMs()).toBe(1_000)
    const before = systemClock.monotonicMs()
    vi.advanceTimersByTime(5)
    expect(systemClock.monotonicMs() - before).toBe(5)
  })

  test('after calls once, not before its time, and takes a negative time as now', () => {
    const call = vi.fn()
    systemClock.after(10, call)
    vi.advanceTimersByTime(9)
    expect(call).not.toHaveBeenCalled()
    vi.advanceTimersByTime(100)
    expect(call).toHaveBeenCalledTimes(1)
    systemClock.after(-5, call)
    vi.advanceTimersByTime(0)
    expect(call).toHaveBeenCalledTimes(2)
  })

  test('after splits what a timer cannot count, and can be cancelled in its second part', () => {
    const [call, cancelled] = [vi.fn(), vi.fn()]
    const month = 31 * 24 * 3_600_000
    systemClock.after(month, call)
    const cancel = systemClock.after(month, cancelled)
    vi.advanceTimersByTime(month - 1)
    expect(call).not.toHaveBeenCalled()
    cancel()
    vi.advanceTimersByTime(1)
    expect(call).toHaveBeenCalledTimes(1)
    expect(cancelled).not.toHaveBeenCalled()
  })

  test('sleep resolves in its time', async () => {
    const slept = systemClock.sleep(10)
    vi.advanceTimersByTime(10)
    await slept
    expect(vi.getTimerCount()).toBe(0)
  })

  test('sleep rejects as cancelled when its signal aborts, and leaves no timer', async () => {
    const aborter = new AbortController()
    const slept = systemClock.sleep(10, { signal: aborter.signal })
    aborter.abort(new Error('enough'))
    await expect(slept).rejects.toMatchObject({ code: 'cancelled', cause: new Error('enough') })
    expect(vi.getTimerCount()).toBe(0)
    await expect(systemClock.sleep(10, { signal: aborter.signal })).rejects.toMatchObject({ code: 'cancelled' })
    expect(vi.getTimerCount()).toBe(0)
  })

  test('sleep resolves with a signal that does not abort', async () => {
    const slept = systemClock.sleep(1, { signal: new AbortController().signal })
    vi.advanceTimersByTime(1)
    await slept
  })
})

test('aborted without a signal is cancelled without a cause', () => {
  expect(isErrandError(aborted(undefined), 'cancelled')).toBe(true)
})

describe('withSignal', () => {
  test('is the promise itself without a signal', () => {
    const promise = Promise.resolve(1)
    expect(withSignal(promise, undefined)).toBe(promise)
  })

  test('resolves and rejects with the promise', async () => {
    const { signal } = new AbortController()
    await expect(withSignal(Promise.resolve(1), signal)).resolves.toBe(1)
    await expect(withSignal(Promise.reject(new Error('x')), signal)).rejects.toThrow('x')
  })

  test('rejects as cancelled when the signal aborts first, and a later failure harms nobody', async () => {
    const [aborter, work] = [new AbortController(), deferred<number>()]
    const waited = withSignal(work.promise, aborter.signal)
    aborter.abort()
    await expect(waited).rejects.toMatchObject({ code: 'cancelled' })
    work.reject(new Error('late'))
  })

  test('rejects at once when the signal was aborted before, and a later failure harms nobody', async () => {
    await expect(withSignal(Promise.reject(new Error('x')), AbortSignal.abort())).rejects.toMatchObject({
      code: 'cancelled',
    })
  })
})

describe('withDeadline', () => {
  const late = (): Error => new Error('late')

  test('resolves and rejects with the promise, and leaves no timer', async () => {
    const clock = new ManualClock()
    await expect(withDeadline(clock, Promise.resolve(1), 10, late)).resolves.toBe(1)
    await expect(withDeadline(clock, Promise.reject(new Error('x')), 10, late)).rejects.toThrow('x')
    await clock.advance(0)
    expect(clock.pendingTimers).toBe(0)
  })

  test('rejects with the error it is given when time is up', async () => {
    const [clock, work] = [new ManualClock(), deferred<number>()]
    const waited = withDeadline(clock, work.promise, 10, late)
    const seen = expect(waited).rejects.toThrow('late')
    await clock.advance(10)
    await seen
    work.reject(new Error('later still'))
  })
})
