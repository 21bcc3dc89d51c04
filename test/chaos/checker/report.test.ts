import { expect, test } from 'vitest'

import { check } from './check.ts'
import { spoil } from './planting.ts'
import { reportOf, reportText, verdictLine } from './report.ts'
import { soundRun } from './sound.ts'

const SOUND = soundRun()

test('a sound and valid run says so first, then its figures', () => {
  const report = reportOf(SOUND.run, check(SOUND), [])
  const lines = reportText(report).split('\n')
  expect(report.verdict).toBe('valid')
  expect(lines.slice(0, 6)).toEqual([
    'valid, nothing lost',
    '',
    'seed 1, 60 s, 1 broker(s), 1/s, namespace sound',
    '',
    'accepted                     127',
    '  completed                  122',
  ])
  expect(lines).toContain('  worker.kill     2 injected, 2 proven, 2 cured')
  expect(lines).toContain('  I3: Redis lost what it knew in between                                         1')
})

test('a run that broke a promise is violated, whether it was valid or not', () => {
  const spoilt = spoil(SOUND, ({ stats, redis }) => {
    stats.pending = 1
    stats.running = 2
    delete redis.markers['plain-4']
  })
  const report = reportOf(spoilt.run, check(spoilt), ['the ledger is empty'])
  expect(verdictLine(report)).toBe('VIOLATED: I9 (1), I18 (2)')
  expect(reportText(report)).toContain('  I18: at rest stats() counts 1 pending\n')
  expect(reportText(report)).toContain('not valid either\n  the ledger is empty\n')
})

test('a run that proves nothing says why', () => {
  expect(verdictLine(reportOf(SOUND.run, check(SOUND), ['a', 'b']))).toBe('invalid: a; b')
})

test('of many violations of one promise the first are told and the rest are counted', () => {
  const spoilt = spoil(SOUND, ({ redis }) => (redis.markers = {}))
  const { violations } = check(spoilt)
  expect(violations).toHaveLength(51)
  expect(violations.at(-1)).toEqual({ invariant: 'I9', message: 'and 78 more of I9', ids: [] })
  expect(reportText(reportOf(spoilt.run, check(spoilt), []))).toContain('and 31 more\n')
})

test('the report is JSON as it is', () => {
  const report = reportOf(SOUND.run, check(SOUND), [])
  expect(JSON.parse(JSON.stringify(report))).toEqual(report)
})
