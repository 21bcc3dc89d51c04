import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { FairShare, SHARE_WINDOW, Turns, TurnsByTypes, TypeTurns } from './fair-share.ts'
import type { Priority } from './priority.ts'
import { PRIORITIES, PRIORITY_WEIGHTS } from './priority.ts'

const take = (share: FairShare, waiting: readonly Priority[]): Priority | undefined =>
  share.next(priority => waiting.includes(priority))

const times = <T>(count: number, make: (at: number) => T): T[] => Array.from({ length: count }, (_, at) => make(at))

describe('FairShare', () => {
  test('gives nothing when nothing waits', () => {
    expect(take(new FairShare(), [])).toBeUndefined()
  })

  test('gives 8 : 4 : 2 : 1 when all lanes are full, the highest first', () => {
    const share = new FairShare()
    expect(times(SHARE_WINDOW, () => take(share, PRIORITIES)).join(' ')).toBe(
      [
        ...Array<string>(8).fill('critical'),
        ...Array<string>(4).fill('high'),
        ...Array<string>(2).fill('normal'),
        'low',
      ].join(' '),
    )
  })

  test('gives the highest priority all that the others are not owed', () => {
    const share = new FairShare()
    const claims = times(SHARE_WINDOW * 4, () => take(share, ['critical', 'low']))
    expect(claims.filter(lane => lane === 'low')).toHaveLength(4)
  })

  test('takes an urgent arrival at once when there is slack, however long the others had the field', () => {
    const share = new FairShare()
    times(100, () => take(share, ['normal', 'low']))
    expect(take(share, PRIORITIES)).toBe('critical')
  })

  test('a lane that was empty owes nothing for that time', () => {
    const share = new FairShare()
    times(3, () => take(share, ['low']))
    times(50, () => take(share, ['critical']))
    expect(times(14, () => take(share, ['critical', 'low']))).toEqual(Array<string>(14).fill('critical'))
    expect(take(share, ['critical', 'low'])).toBe('low')
  })

  // Lanes as counters; each step some activities arrive and one is claimed.
  const arrivals = fc.array(fc.tuple(fc.nat(3), fc.nat(3), fc.nat(3), fc.nat(3)), { minLength: 15, maxLength: 200 })

  test('in any 15 claims during which a lane is never empty it gets at least its weight, whatever arrives when', () => {
    fc.assert(
      fc.property(arrivals, steps => {
        const share = new FairShare()
        const counts: Record<Priority, number> = { critical: 0, high: 0, normal: 0, low: 0 }
        const claims: { chosen: Priority; waiting: readonly Priority[] }[] = []
        for (const step of steps) {
          PRIORITIES.forEach((priority, at) => (counts[priority] += step[at] ?? 0))
          const waiting = PRIORITIES.filter(priority => counts[priority] > 0)
          const chosen = take(share, waiting)
          expect(chosen === undefined).toBe(waiting.length === 0)
          if (chosen === undefined) continue
          expect(waiting).toContain(chosen)
          counts[chosen] -= 1
          claims.push({ chosen, waiting })
        }
        for (let from = 0; from + SHARE_WINDOW <= claims.length; from++)
          expectShares(claims.slice(from, from + SHARE_WINDOW))
      }),
      { numRuns: 300 },
    )
  })

  test('in any 15 claims of lanes that come and go it holds too', () => {
    const visible = fc.array(fc.subarray([...PRIORITIES], { minLength: 1 }), { minLength: 15, maxLength: 150 })
    fc.assert(
      fc.property(visible, steps => {
        const share = new FairShare()
        const claims = steps.map(waiting => ({ waiting, chosen: take(share, waiting) ?? expect.unreachable() }))
        for (let from = 0; from + SHARE_WINDOW <= claims.length; from++)
          expectShares(claims.slice(from, from + SHARE_WINDOW))
      }),
      { numRuns: 300 },
    )
  })
})

function expectShares(window: readonly { chosen: Priority; waiting: readonly Priority[] }[]): void {
  for (const priority of PRIORITIES) {
    if (!window.every(claim => claim.waiting.includes(priority))) continue
    const got = window.filter(claim => claim.chosen === priority).length
    expect(got, `${priority} in ${window.map(claim => claim.chosen).join(' ')}`).toBeGreaterThanOrEqual(
      PRIORITY_WEIGHTS[priority],
    )
  }
}

describe('TypeTurns', () => {
  const head = (type: string, age: number) => ({ type, age })
  const older = (a: { age: number }, b: { age: number }): boolean => a.age < b.age

  test('chooses nothing of nothing, and the only one of one', () => {
    const turns = new TypeTurns()
    expect(turns.next([], older)).toBe(-1)
    expect(turns.next([head('a', 1)], older)).toBe(0)
  })

  test('chooses the oldest head, the first of equals', () => {
    expect(new TypeTurns().next([head('a', 3), head('b', 1), head('c', 2)], older)).toBe(1)
    expect(new TypeTurns().next([head('a', 1), head('b', 1)], older)).toBe(0)
  })

  test('does not pass a type over more than twice the number of types in a row, and 8 times at least', () => {
    for (const types of [2, 6]) {
      const turns = new TypeTurns()
      const heads = Array.from({ length: types }, (_, at) => head(`t${at}`, at))
      const choices = times(200, () => turns.next(heads, older))
      const patience = Math.max(8, types * 2)
      for (let at = 0; at < types; at++) {
        const runs = choices
          .map(choice => (choice === at ? '|' : '.'))
          .join('')
          .split('|')
        // Several may be starved at once; each of the others then goes before it.
        expect(Math.max(...runs.map(run => run.length))).toBeLessThanOrEqual(patience + types)
      }
    }
  })

  test('serves starved types one after the other, then the oldest again', () => {
    const turns = new TypeTurns()
    const heads = ['noisy', 'a', 'b', 'c', 'd'].map(head)
    const choices = times(16, () => turns.next(heads, older))
    expect(choices).toEqual([...Array<number>(10).fill(0), 1, 2, 3, 4, 0, 0])
  })
})

describe('Turns', () => {
  interface Head {
    readonly type: string
    readonly priority: Priority
    readonly age: number
  }
  const lanesOf = (heads: readonly Head[]) => ({
    hasAny: (priority: Priority) => heads.some(head => head.priority === priority),
    heads: (priority: Priority) => heads.filter(head => head.priority === priority),
    isOlder: (a: Head, b: Head) => a.age < b.age,
  })
  const heads: readonly Head[] = [
    { type: 'a', priority: 'low', age: 1 },
    { type: 'a', priority: 'high', age: 3 },
    { type: 'b', priority: 'high', age: 2 },
  ]

  test('choose the lane first and the older type within it, or nothing of nothing', () => {
    expect(new Turns().next(lanesOf([]))).toBeUndefined()
    expect(new Turns().next(lanesOf(heads))).toEqual({ type: 'b', priority: 'high', age: 2 })
  })

  test('belong to one set of types, whatever others were asked for in between', () => {
    const turns = new TurnsByTypes()
    const claimed = times(SHARE_WINDOW * 2, at => {
      const others: readonly Head[] = [{ type: 'c', priority: at % 2 === 0 ? 'critical' : 'low', age: 0 }]
      turns.of(['c']).next(lanesOf(others))
      return turns.of(['a', 'b']).next(lanesOf(heads))?.priority
    })
    expect(claimed.filter(priority => priority === 'low').length).toBeGreaterThanOrEqual(2)
    expect(turns.of(['a', 'b'])).toBe(turns.of(['a', 'b']))
  })

  test('are forgotten for the set that was not asked for the longest', () => {
    const turns = new TurnsByTypes()
    const [first, second] = [turns.of(['t0']), turns.of(['t1'])]
    for (let at = 2; at < 64; at++) turns.of([`t${at}`])
    expect(turns.of(['t0'])).toBe(first)
    turns.of(['one more'])
    expect(turns.of(['t0'])).toBe(first)
    expect(turns.of(['t1'])).not.toBe(second)
  })
})
