import { expect, test } from 'vitest'
import type { Plan, Submitted } from '../../examples/orders/plan.ts'
import type { RunFacts } from '../../examples/orders/verify.ts'
import { findProblems, findResultProblems } from '../../examples/orders/verify.ts'
import { Client } from '../../src/index.ts'
import type { ActivitySummary } from '../../src/index.ts'
import { MemoryStorage } from '../../src/storage/memory/index.ts'

const counts = { pending: 0, scheduled: 0, running: 0, completed: 0, failed: 0, dead_letter: 0, cancelled: 0 }
const byPriority = { critical: counts, high: counts, normal: counts, low: counts }
const nothing = { ...counts, byType: {}, byPriority }

const plan: Plan = {
  type: 'charge-card',
  enqueue: () => Promise.resolve([]),
  readOrderId: () => Promise.resolve('order-9'),
}

function submitted(id: string, changes: Partial<Submitted> = {}): Submitted {
  const common = { type: 'charge-card', orderId: `order-${id}`, outcome: 'created', ends: 'completed' } as const
  return { ...common, id, reason: undefined, ...changes }
}

function ending(id: string, changes: Partial<ActivitySummary> = {}): [string, ActivitySummary] {
  const times = { createdAtMs: 1, scheduledAtMs: null, startedAtMs: 2, endedAtMs: 3 }
  const common = { type: 'charge-card', status: 'completed', priority: 'normal', attempt: 1, maxAttempts: 3 } as const
  return [id, { id, ...common, ...times, worker: 'w', error: null, ...changes }]
}

/** Two activities and a duplicate, all as it should be; then what a test changes. */
function facts(changes: Partial<RunFacts> = {}): RunFacts {
  const duplicate = submitted('1', { outcome: 'existing' })
  const ended = { ...counts, completed: 1, failed: 1 }
  return {
    submitted: [submitted('1'), submitted('2', { ends: 'failed' }), duplicate],
    endings: new Map([ending('1'), ending('2', { status: 'failed' })]),
    before: nothing,
    after: { ...ended, byType: { 'charge-card': ended }, byPriority },
    ...changes,
  }
}

test('what adds up has no problems', () => {
  expect(findProblems(facts(), [plan])).toEqual([])
})

const other = { ...counts, completed: 2 }

test.each<[string, Partial<RunFacts>, string]>([
  [
    'an activity without an ending',
    { endings: new Map([ending('1')]) },
    'charge-card of order-2 (2): the storage knows no ending',
  ],
  [
    'another ending than its order asks for',
    { endings: new Map([ending('1'), ending('2')]) },
    'charge-card of order-2 (2): ended as completed, but its order asks for failed',
  ],
  [
    'an ending that nobody asked for',
    { endings: new Map([...facts().endings, ending('3')]) },
    'charge-card 3: ended, but nobody enqueued it',
  ],
  [
    'counts that differ from the list',
    { after: { ...other, byType: { 'charge-card': other }, byPriority } },
    'charge-card: 1 are listed as completed, but 2 are counted',
  ],
  [
    'something left',
    { after: { ...counts, byType: { 'charge-card': { ...counts, completed: 1, failed: 1, running: 1 } }, byPriority } },
    'charge-card: 1 are still running',
  ],
  [
    'an answer that says nothing',
    { submitted: [...facts().submitted, submitted('4', { outcome: 'unavailable', reason: 'no answer' })] },
    'charge-card of order-4 (4): nobody knows whether it was accepted: no answer',
  ],
  [
    'a duplicate of another order',
    { submitted: [...facts().submitted, submitted('1', { outcome: 'existing', orderId: 'order-7' })] },
    'charge-card of order-7 (1): deduplicated as charge-card of order-1 (1)',
  ],
])('%s is a problem that names the id', (_, changes, problem) => {
  expect(findProblems(facts(changes), [plan])).toContain(problem)
})

test('a result of another order is a problem', async () => {
  await using storage = new MemoryStorage()
  const problems = await findResultProblems(new Client({ storage }), facts(), [plan])
  expect(problems).toEqual(['charge-card of order-1 (1): its result is that of order-9'])
})
