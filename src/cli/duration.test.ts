import { describe, expect, test } from 'vitest'
import { parseDuration } from './duration.ts'

describe('a duration', () => {
  test.each([
    ['250ms', 250],
    ['30s', 30_000],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['7d', 604_800_000],
    ['0s', 0],
  ])('%s is %i ms', (text, ms) => {
    expect(parseDuration('--x', text)).toBe(ms)
  })

  test.each(['', '5', 'm', '1.5h', '-1s', '5 m', '1w', '5m3s', '1e3s'])('%j is none, and says which option', text => {
    expect(() => parseDuration('--marker-life', text)).toThrow(
      expect.objectContaining({
        code: 'invalid_argument',
        message: expect.stringMatching(/--marker-life.*30s/) as string,
      }),
    )
  })
})
