import { describe, expect, test } from 'vitest'
import { aborted } from '../../core/clock.ts'
import { inParallel } from './in-parallel.ts'

const NEVER = new AbortController().signal

describe('work in parallel', () => {
  test('does each item once, no more than so many at a time', async () => {
    const done: number[] = []
    let running = 0
    let most = 0
    await inParallel([1, 2, 3, 4, 5, 6, 7], 3, NEVER, async item => {
      most = Math.max(most, (running += 1))
      await new Promise(resolve => setImmediate(resolve))
      running -= 1
      done.push(item)
    })
    expect(done.toSorted()).toEqual([1, 2, 3, 4, 5, 6, 7])
    expect(most).toBe(3)
  })

  test('of nothing is done at once', async () => {
    await expect(inParallel([], 3, NEVER, () => Promise.reject(new Error('no')))).resolves.toBeUndefined()
  })

  test('is stopped by the first failure, which is the one that is thrown', async () => {
    const begun: number[] = []
    const work = async (item: number, signal: AbortSignal): Promise<void> => {
      begun.push(item)
      if (item === 2) throw new Error('the second')
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(aborted(signal))))
    }
    await expect(inParallel([1, 2, 3, 4], 2, NEVER, work)).rejects.toThrow('the second')
    expect(begun).toEqual([1, 2])
  })

  test("hands the caller's signal on", async () => {
    const stopping = new AbortController()
    const waiting = inParallel([1], 1, stopping.signal, (_, signal) => {
      const stopped = new Promise<void>((_resolve, reject) =>
        signal.addEventListener('abort', () => reject(aborted(signal))),
      )
      stopping.abort()
      return stopped
    })
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' })
  })
})
