import { expect, test } from 'vitest'

import type { CrashPoint } from './crash-point.ts'
import { CRASH_POINTS, crashPoint, onCrashPoint } from './crash-point.ts'

test('a crash point tells whoever listens, and nobody otherwise', () => {
  const seen: CrashPoint[] = []
  onCrashPoint(point => seen.push(point))
  CRASH_POINTS.forEach(crashPoint)
  onCrashPoint(undefined)
  crashPoint('claim.leased')
  expect(seen).toEqual(CRASH_POINTS)
  expect(new Set(CRASH_POINTS).size).toBe(CRASH_POINTS.length)
})
