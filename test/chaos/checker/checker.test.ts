// The checker's own tests: a sound run has no violation, and each way to break a promise is found under that promise's number
// and no other. A checker that cannot fail proves nothing.

import { describe, expect, test } from 'vitest'

import { check } from './check.ts'
import { ATTEMPTS, KEYS } from './planted-attempts.ts'
import { TOPICS } from './planted-topics.ts'
import { LOST, SETTLED } from './planted-work.ts'
import type { Spoilt } from './planting.ts'
import { isoAt, lineOf, outcomeOf, redisAt, setFields, spoil } from './planting.ts'
import { soundRun } from './sound.ts'

const SOUND = soundRun()
const PLANTED = [...LOST, ...SETTLED, ...KEYS, ...ATTEMPTS, ...TOPICS]

/** The invariants that are broken. */
function brokenIn(plant: (spoilt: Spoilt) => void): string[] {
  const { violations } = check(spoil(SOUND, plant))
  return [...new Set(violations.map(({ invariant }) => invariant))]
}

test('a sound run breaks nothing, and what needs an excuse has it', () => {
  const { violations, excused, duplicates } = check(SOUND)
  expect(violations).toEqual([])
  expect(excused).toEqual({
    'I3: Redis lost what it knew in between': 1,
    'I4: Redis lost what it knew in between': 1,
    'I7: Redis lost the lease': 1,
    'I7: Redis lost the settlement': 1,
    'I7: given back at a shutdown': 1,
    'I7: its lease expired (redis.flushall, worker.kill, worker.stop, worker.term)': 1,
    'I7: the attempt was given back': 1,
    'I11: given back at a shutdown': 1,
    'I16: Redis lost what it knew in between': 1,
  })
  expect(duplicates.map(({ id, kind }) => `${id}: ${kind}`).sort()).toEqual([
    'closed: attempt',
    'done: effect',
    'forgotten: attempt',
    'forgotten: effect',
    'released: attempt',
  ])
})

test('the figures of a sound run are what happened in it', () => {
  const { figures } = check(SOUND)
  expect(figures).toMatchObject({
    ...{ seconds: 60, accepted: 127, unknown: 1, recovered: 1, redriven: 1 },
    ended: { completed: 122, failed: 2, dead_letter: 2, cancelled: 2 },
    ...{ outcomeCopies: 0, leaseExpiries: 3, recoveries: 3, leaseLost: 1 },
    attemptsTwice: { 'Redis lost the lease': 1, 'the attempt was given back': 1, 'given back at a shutdown': 1 },
    recovery: { count: 2, p50Ms: 1_901, maxMs: 2_101 },
    faults: { 'worker.kill': { injected: 2, proven: 2, cured: 2 } },
  })
  expect(figures.handlerStarts - figures.handlerEnds).toBe(11)
})

test('without losses of Redis its counts are held to the letter', () => {
  const calm = soundRun({ losesRedis: false })
  expect(check(calm).violations).toEqual([])
  const spoilt = spoil(calm, ({ stats }) => (stats.failed += 1))
  expect(check(spoilt).violations).toEqual([
    { invariant: 'I18', message: 'stats() counts 3 failed; the topics say 2', ids: [] },
  ])
})

test('what only a loss of Redis excuses is a violation without one', () => {
  const broken = brokenIn(spoilt => {
    spoilt.run.redisLosses = []
    for (const fault of spoilt.faults) fault.losesRedis = false
  })
  expect(broken).toEqual(['I3', 'I4', 'I7', 'I16'])
})

test('where the clock of a reaper was moved, what it dated is not held against it', () => {
  const date = (spoilt: Spoilt): void => {
    setFields(outcomeOf(spoilt, 'orphan'), { ended_at: isoAt(12_500), next_attempt_at: isoAt(12_500) })
  }
  expect(brokenIn(date)).toEqual(['I13'])
  const moved = spoil(SOUND, spoilt => {
    date(spoilt)
    const [fault] = spoilt.faults
    if (fault !== undefined) spoilt.faults.push({ ...fault, fault: 'reaper.clock', target: 'reaper-1' })
  })
  const { violations, excused } = check(moved)
  expect(violations).toEqual([])
  expect(excused).toMatchObject({ "I13: a reaper's own clock may have been moved": 1 })
})

test('an effect that was had twice is a violation where no fault can have taken the lease', () => {
  const spoilt = spoil(soundRun({ losesRedis: false }), ({ faults }) => {
    for (const fault of faults) if (fault.fault !== 'worker.term') fault.proof = null
  })
  const ofDone = (evidence: typeof spoilt): string[] =>
    check(evidence).violations.flatMap(({ invariant, ids }) => (ids.includes('done') ? [invariant] : []))
  expect(ofDone(spoilt)).toEqual([])
  expect(ofDone(spoil(spoilt, ({ faults }) => faults.forEach(fault => (fault.proof = null))))).toEqual(['I7'])
})

describe('a planted violation is found under its number, and no other', () => {
  test.each(PLANTED)('%s breaks %s', (_, invariant, plant) => {
    expect(brokenIn(plant)).toEqual([invariant])
  })

  test('every promise is among them', () => {
    const planted = new Set(PLANTED.map(([, invariant]) => invariant))
    const numbers = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 18].map(number => `I${number}`)
    expect([...planted].sort()).toEqual([...numbers, 'L1'].sort())
  })
})

test('a message says what, which, and where', () => {
  const [violation] = check(
    spoil(SOUND, spoilt => void (lineOf(spoilt, 'later', 'claim', 'answer').startedAtMs = redisAt(6_999))),
  ).violations
  expect(violation).toEqual({
    invariant: 'I6',
    message:
      `attempt 1 of later was due at ${redisAt(7_000)} and started at ${redisAt(6_999)}, 1 ms early (worker-9, lease ` +
      `${lineOf(structuredClone(SOUND) as Spoilt, 'later', 'claim', 'answer').leaseId})`,
    ids: ['later'],
  })
})
