import { describe, expect, test } from 'vitest'
import { parseOptions, UsageError } from './options.ts'
import type { PlannableFault } from './plan.ts'
import { drawnFaults, INJECTIONS_MIN, planLane } from './plan.ts'
import { SeededRandom } from './random.ts'

const faults: PlannableFault[] = Array.from({ length: 12 }, (_, at) => ({
  name: `fault ${at}`,
  lane: 'servers',
  seconds: 3 + at,
}))

describe('a plan', () => {
  test('is the same for the same seed, and another for another', () => {
    const plan = (seed: number) => planLane(faults, 300, new SeededRandom(seed, 'servers'))
    expect(plan(7)).toEqual(plan(7))
    expect(plan(7)).not.toEqual(plan(8))
  })

  test.each([20, 90, 600])('of %i s injects each fault that it draws twice, and fits', seconds => {
    const { steps } = planLane(faults, seconds, new SeededRandom(3))
    const counts = Map.groupBy(steps, ({ fault }) => fault)
    for (const injections of counts.values()) expect(injections.length).toBeGreaterThanOrEqual(INJECTIONS_MIN)
    const costOf = new Map(faults.map(({ name, seconds: cost }) => [name, cost]))
    expect(steps.length).toBeGreaterThan(0)
    expect(steps.reduce((sum, { fault }) => sum + (costOf.get(fault) ?? 0), 0)).toBeLessThanOrEqual(seconds)
  })

  test('of ten minutes draws them all', () => {
    const plan = planLane(faults, 600, new SeededRandom(1))
    expect(drawnFaults([plan])).toHaveLength(faults.length)
  })

  test('draws none where none fits', () => {
    expect(planLane([{ name: 'long', lane: 'servers', seconds: 100 }], 20, new SeededRandom(1)).steps).toEqual([])
  })
})

describe('the command line', () => {
  test('has defaults, and draws a seed', () => {
    expect(parseOptions([], () => 42)).toMatchObject({ seconds: 90, seed: 42, brokers: 1, rate: 50, faults: null })
  })

  test('takes what is given', () => {
    const args = ['--seconds', '600', '--seed', '0', '--brokers', '3', '--faults', 'worker.kill, redis.flushall']
    expect(parseOptions(args, () => 42)).toMatchObject({
      seconds: 600,
      seed: 0,
      brokers: 3,
      faults: ['worker.kill', 'redis.flushall'],
    })
  })

  test.each([['--seconds', '5'], ['--brokers', '2'], ['--seed', '-1'], ['--rate', 'many'], ['--nothing'], ['more']])(
    'refuses %s %s',
    (...args) => {
      expect(() => parseOptions(args, () => 42)).toThrow(UsageError)
    },
  )
})
