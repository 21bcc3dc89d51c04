import { describe, expect, test } from 'vitest'
import { type Figure, median, percentile, ratiosOf, summariesOf, valueText } from '../../bench/figures.ts'
import { type Measurement, measureRounds, rotated } from '../../bench/rounds.ts'
import type { Subject } from '../../bench/subject.ts'
import { payloadSentAt } from '../../bench/subject.ts'
import { withBestRuns } from '../../bench/throughput.ts'

function figure(of: string, value: number, measure = 'speed'): Figure {
  return { subject: of, measure, value, unit: '/s' }
}

function subject(name: string): Subject {
  return {
    name,
    version: '1',
    promise: '',
    openLane: () => Promise.reject(new Error('no lane is opened here')),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}

describe('figures', () => {
  test.each([
    [[3, 1, 2], 2],
    [[4, 1, 2, 3], 2.5],
    [[7], 7],
    [[], Number.NaN],
  ])('the median of %j is %d', (values, expected) => {
    expect(median(values)).toBe(expected)
  })

  test('a percentile is a value that was measured', () => {
    expect(percentile([5, 1, 4, 2, 3], 0.5)).toBe(3)
    expect(percentile([1, 2], 0.99)).toBe(2)
  })

  test('rounds become the median, the lowest and the highest of each subject and measure', () => {
    const rounds = [10, 30, 20].map(value => [figure('errand', value), figure('peer', 2 * value)])
    expect(summariesOf(rounds)).toEqual([
      { ...figure('errand', 20), min: 10, max: 30, rounds: [10, 30, 20] },
      { ...figure('peer', 40), min: 20, max: 60, rounds: [20, 60, 40] },
    ])
  })

  test('the ratio to a peer is the median of the ratios of each round, not the ratio of the medians', () => {
    const rounds = [
      [figure('errand', 10), figure('peer', 10)],
      [figure('errand', 30), figure('peer', 10)],
      [figure('errand', 20), figure('peer', 5)],
    ]
    const [ratio, ...others] = ratiosOf(summariesOf(rounds), 'errand')
    expect(ratio).toMatchObject({ measure: 'speed', peer: 'peer', ratio: 3, rounds: [1, 3, 4] })
    expect(others).toEqual([])
  })

  test('a measure that only one of the two has is no ratio', () => {
    expect(ratiosOf(summariesOf([[figure('errand', 1, 'a'), figure('peer', 1, 'b')]]), 'errand')).toEqual([])
  })

  test('the better one of several concurrencies is a measure of its own', () => {
    const runs = [figure('errand', 5, 'run and settle no-ops, concurrency 100')]
    expect(withBestRuns(runs)).toEqual(runs)
    runs.push(figure('errand', 7, 'run and settle no-ops, concurrency 500'))
    expect(withBestRuns(runs).at(-1)).toEqual(figure('errand', 7, 'run and settle no-ops, best concurrency'))
  })

  test.each([
    [12_345.6, '/s', '12,346 /s'],
    [1.26, 'ms', '1.3 ms'],
    [0.04, '%', '0.0 %'],
    [400, 'MB', '400.0 MB'],
    [1_234, 'count', '1,234'],
  ] as const)('%d in %s is written as %s', (value, unit, text) => {
    expect(valueText(value, unit)).toBe(text)
  })

  test('a payload is 300 bytes whenever it was sent', () => {
    for (const sentAtMs of [0, 1_800_000_000_000.125, 1_800_000_000_000]) {
      expect(JSON.stringify(payloadSentAt(sentAtMs))).toHaveLength(300)
    }
  })
})

describe('rounds', () => {
  test('every measurement is taken of all subjects before the next one, begun with another in each round', async () => {
    const taken: string[] = []
    const measurement = (name: string): Measurement => ({
      name,
      measure: ({ name: of }) => {
        taken.push(`${name} ${of}`)
        return Promise.resolve([figure(of, 1, name)])
      },
    })
    let closed = 0
    const rounds = await measureRounds({
      rounds: 2,
      measurements: [measurement('a'), measurement('b')],
      openSubjects: () =>
        Promise.resolve({
          subjects: [subject('errand'), subject('peer')],
          [Symbol.asyncDispose]: () => Promise.resolve(void (closed += 1)),
        }),
      onFigure: () => undefined,
    })
    expect(taken).toEqual(['a errand', 'a peer', 'b errand', 'b peer', 'a peer', 'a errand', 'b peer', 'b errand'])
    expect(rounds[1]?.map(each => `${each.measure} ${each.subject}`)).toEqual([
      'a errand',
      'a peer',
      'b errand',
      'b peer',
    ])
    expect(closed).toBe(2)
  })

  test('rotating goes round', () => {
    expect([0, 1, 2, 3].map(by => rotated(['a', 'b', 'c'], by).join(''))).toEqual(['abc', 'bca', 'cab', 'abc'])
    expect(rotated([], 1)).toEqual([])
  })
})
