import { describe, expect, it, test } from 'vitest'
import { DEFAULT_WATERMARKS, marksOfTypes, shouldPause } from './watermark.ts'

const load = (unfinished: number, bytesUnfinished = 0, tracked = unfinished) => ({
  unfinished,
  bytesUnfinished,
  tracked,
})
const pausedBy = (isPaused: boolean, ...args: Parameters<typeof load>) =>
  shouldPause(load(...args), isPaused, DEFAULT_WATERMARKS)

describe('watermarks', () => {
  it.each([
    ['little', false, load(10)],
    ['many records', true, load(2_000)],
    ['many bytes', true, load(10, 8 * 1024 * 1024)],
    ['a full ledger', true, load(1, 10, 50_000)],
  ])('pauses at the high mark: %s', (_, expected, { unfinished, bytesUnfinished, tracked }) => {
    expect(pausedBy(false, unfinished, bytesUnfinished, tracked)).toBe(expected)
  })

  it('resumes only when all is at the low mark', () => {
    expect(pausedBy(true, 1_001)).toBe(true)
    expect(pausedBy(true, 1_000)).toBe(false)
    expect(pausedBy(true, 10, 5 * 1024 * 1024)).toBe(true)
    expect(pausedBy(true, 10, 10, 49_000)).toBe(true)
    expect(pausedBy(true, 10, 10, 45_000)).toBe(false)
  })
})

test('types share what a process may hold, and each keeps enough to go on', () => {
  expect(marksOfTypes(1)).toEqual({ recordsHigh: 2_000, bytesHigh: 8 * 1024 * 1024 })
  expect(marksOfTypes(10)).toEqual({ recordsHigh: 400, bytesHigh: Math.floor((16 * 1024 * 1024) / 10) })
  expect(marksOfTypes(100)).toEqual({ recordsHigh: 100, bytesHigh: 1024 * 1024 })
})
