import { afterEach, expect, test, vi } from 'vitest'
import { become, liveSinceMs, liveState } from './live-state.ts'

afterEach(() => {
  become('live')
  vi.useRealTimers()
})

test('tries that fail every few seconds do not put off that it is stale, and it says since when', () => {
  vi.useFakeTimers({ now: 1_000_000 })
  become('live')
  vi.advanceTimersByTime(10_000)
  for (let n = 0; n < 10; n++) {
    become('reconnecting')
    vi.advanceTimersByTime(3_000)
  }
  expect([liveState.peek(), liveSinceMs.peek()]).toEqual(['stale', 1_010_000])
  become('live')
  expect([liveState.peek(), liveSinceMs.peek()]).toEqual(['live', 1_040_000])
})

test('what came back in time is not stale', () => {
  vi.useFakeTimers({ now: 1_000_000 })
  become('reconnecting')
  vi.advanceTimersByTime(14_000)
  become('live')
  vi.advanceTimersByTime(60_000)
  expect(liveState.peek()).toBe('live')
})
