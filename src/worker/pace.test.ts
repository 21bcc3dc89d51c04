import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FAILURES_IN_A_ROW, Pace } from './pace.ts'

const PLAIN = { isDeliberate: false, enough: FAILURES_IN_A_ROW }

/** Without jitter. */
function pace({ limit = 8, pauseMsMax = 60_000 } = {}): Pace {
  return new Pace({ limit, pauseMsMax, random: () => 0 })
}

function failTimes(subject: Pace, times: number, nowMs: number): void {
  for (let time = 0; time < times; time++) subject.fail(subject.begin(), PLAIN, nowMs)
}

/** A pace that has paused at time 0. */
function stopped(options = {}): Pace {
  const subject = pace(options)
  failTimes(subject, FAILURES_IN_A_ROW, 0)
  return subject
}

describe('flowing', () => {
  test('nothing is limited until so many have failed in a row', () => {
    const subject = pace()
    failTimes(subject, FAILURES_IN_A_ROW - 1, 0)
    expect([subject.phase, subject.allowance(0)]).toEqual(['flowing', Number.POSITIVE_INFINITY])
    failTimes(subject, 1, 0)
    expect([subject.phase, subject.allowance(0), subject.pauseLeftMs(0)]).toEqual(['paused', 0, 1_000])
  })

  test('a success in between begins the count anew', () => {
    const subject = pace()
    failTimes(subject, FAILURES_IN_A_ROW - 1, 0)
    subject.succeed(subject.begin())
    failTimes(subject, FAILURES_IN_A_ROW - 1, 0)
    expect(subject.phase).toBe('flowing')
  })

  test('a handler that chooses its delay, and ends that say nothing, do not count', () => {
    const subject = pace()
    for (let time = 0; time < 100; time++) {
      subject.fail(subject.begin(), { ...PLAIN, isDeliberate: true }, 0)
      subject.leave(subject.begin())
    }
    expect(subject.phase).toBe('flowing')
  })

  test('fewer may be enough', () => {
    const subject = pace()
    subject.fail(subject.begin(), { isDeliberate: false, enough: 2 }, 0)
    expect(subject.phase).toBe('flowing')
    subject.fail(subject.begin(), { isDeliberate: false, enough: 2 }, 0)
    expect(subject.phase).toBe('paused')
  })
})

describe('paused', () => {
  test('one attempt may probe after the pause, and each that fails doubles it up to the longest', () => {
    const subject = stopped({ pauseMsMax: 5_000 })
    const pauses: number[] = []
    let nowMs = 0
    for (let probe = 0; probe < 5; probe++) {
      const pauseMs = subject.pauseLeftMs(nowMs)
      pauses.push(pauseMs)
      expect(subject.allowance(nowMs + pauseMs - 1)).toBe(0)
      nowMs += pauseMs
      expect(subject.allowance(nowMs)).toBe(1)
      const round = subject.begin()
      expect(subject.allowance(nowMs)).toBe(0)
      subject.fail(round, { ...PLAIN, isDeliberate: true }, nowMs)
    }
    expect(pauses).toEqual([1_000, 2_000, 4_000, 5_000, 5_000])
  })

  test('a probe that says nothing makes room for the next at once', () => {
    const subject = stopped()
    subject.leave(subject.begin())
    expect(subject.allowance(1_000)).toBe(1)
  })

  test('what began before the pause neither ends it nor makes it longer', () => {
    const subject = pace()
    const [before, alsoBefore] = [subject.begin(), subject.begin()]
    failTimes(subject, FAILURES_IN_A_ROW, 0)
    subject.fail(before, PLAIN, 500)
    subject.succeed(alsoBefore)
    expect([subject.phase, subject.pauseLeftMs(500)]).toEqual(['paused', 500])
    expect(subject.allowance(1_000)).toBe(1)
  })

  test('pauses are spread over half of their length', () => {
    const subject = new Pace({ limit: 8, pauseMsMax: 60_000, random: () => 0.999_999 })
    failTimes(subject, FAILURES_IN_A_ROW, 0)
    expect(subject.pauseLeftMs(0)).toBe(500)
  })
})

describe('recovering', () => {
  test('each success doubles how many may run at once, until that is all', () => {
    const subject = stopped({ limit: 8 })
    subject.succeed(subject.begin())
    expect([subject.phase, subject.allowance(1_000)]).toEqual(['recovering', 2])
    const [first, second] = [subject.begin(), subject.begin()]
    expect(subject.allowance(1_000)).toBe(0)
    subject.succeed(first)
    expect(subject.allowance(1_000)).toBe(3) // four at once, one is under way
    subject.succeed(second)
    expect(subject.phase).toBe('flowing')
  })

  test('each failure halves it; down to none it pauses again, longer than before', () => {
    const subject = stopped({ limit: 100 })
    for (let time = 0; time < 3; time++) subject.succeed(subject.begin())
    expect(subject.allowance(1_000)).toBe(8)
    failTimes(subject, 3, 1_000)
    expect([subject.phase, subject.allowance(1_000)]).toEqual(['recovering', 1])
    failTimes(subject, 1, 1_000)
    expect([subject.phase, subject.pauseLeftMs(1_000)]).toEqual(['paused', 2_000])
  })

  test('once it flows again, the next pause is a short one', () => {
    const subject = stopped({ limit: 1 })
    failTimes(subject, 3, 1_000)
    subject.succeed(subject.begin())
    expect(subject.phase).toBe('flowing')
    failTimes(subject, FAILURES_IN_A_ROW, 2_000)
    expect(subject.pauseLeftMs(2_000)).toBe(1_000)
  })
})

test('whatever happens, no more run at once than allowed, and it never stands still for ever', () => {
  const step = fc.record({
    do: fc.constantFrom('begin', 'succeed', 'fail', 'leave', 'wait'),
    which: fc.nat(),
    ms: fc.integer({ min: 0, max: 90_000 }),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), fc.integer({ min: 1, max: 20 }), (list, limit) => {
      const subject = pace({ limit })
      const rounds: number[] = []
      let nowMs = 0
      for (const { do: what, which, ms } of list) {
        if (what === 'wait') nowMs += ms
        else if (what === 'begin') {
          if (subject.allowance(nowMs) >= 1) rounds.push(subject.begin())
        } else {
          const [round] = rounds.splice(which % Math.max(1, rounds.length), 1)
          if (round === undefined) continue
          if (what === 'succeed') subject.succeed(round)
          else if (what === 'leave') subject.leave(round)
          else subject.fail(round, PLAIN, nowMs)
        }
        if (subject.phase === 'recovering') expect(subject.allowance(nowMs)).toBeLessThanOrEqual(limit)
      }
      for (const round of rounds) subject.leave(round)
      expect(subject.allowance(nowMs + subject.pauseLeftMs(nowMs))).toBeGreaterThanOrEqual(1)
    }),
  )
}, 30_000)
