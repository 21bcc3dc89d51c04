import { expect, test } from 'vitest'

import { PRIORITIES, PRIORITY_WEIGHTS, isPriority, priorityRank } from './priority.ts'

test('priorities rank from critical to low, each with its weight', () => {
  expect(PRIORITIES.map(priorityRank)).toEqual([0, 1, 2, 3])
  expect(PRIORITIES.map(priority => PRIORITY_WEIGHTS[priority])).toEqual([8, 4, 2, 1])
})

test.each(['critical', 'high', 'normal', 'low'])('%s is a priority', word => expect(isPriority(word)).toBe(true))
test.each(['Critical', '', 'toString', 0, null, undefined])('%j is none', word => expect(isPriority(word)).toBe(false))
