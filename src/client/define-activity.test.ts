import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineActivity } from './define-activity.ts'

const input = z.object({ n: z.number() })

test('a definition keeps its schemas and policy, and is frozen', () => {
  const definition = defineActivity({
    type: 'count',
    input,
    output: z.string(),
    maxAttempts: 'unlimited',
    timeoutMs: 5,
  })
  expect(definition).toMatchObject({ type: 'count', maxAttempts: 'unlimited', timeoutMs: 5 })
  expect(Object.isFrozen(definition)).toBe(true)
})

describe('what is not acceptable is refused at once, naming the field', () => {
  const cases: [string, Record<string, unknown>][] = [
    ['type', { type: 'no.dots' }],
    ['type', { type: 'dlq' }],
    ['type', { type: 'errand-operation' }],
    ['input', { input: { parse: () => 1 } }],
    ['output', { output: 'string' }],
    ['maxAttempts', { maxAttempts: 0 }],
    ['timeoutMs', { timeoutMs: 0.5 }],
    ['priority', { priority: 'urgent' }],
    ['retryDelayMs', { retryDelayMs: -1 }],
    ['retryDelayMaxMs', { retryDelayMaxMs: Number.NaN }],
    ['handler', { handler: () => 1 }],
  ]
  test.each(cases)('%s in %o', (field, part) => {
    expect(() => defineActivity(Object.assign({ type: 'count', input }, part))).toThrow(
      expect.objectContaining({ code: 'invalid_argument', details: expect.objectContaining({ field }) }),
    )
  })
})
