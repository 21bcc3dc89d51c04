// What `errand dev` runs when nobody brings handlers: one type for each way in which an activity can go, and some of each to
// look at.

import type { Client } from '../../client/client.ts'
import type { ActivityDefinition } from '../../client/define-activity.ts'
import { defineActivity } from '../../client/define-activity.ts'
import { systemClock } from '../../core/clock.ts'
import type { Worker } from '../../worker/worker.ts'
import { anything } from '../pass-through.ts'

const HOUR_MS = 3_600_000

const greet = demo('greet')
const flaky = demo('flaky', { retryDelayMs: 1_000 })
const broken = demo('broken', { maxAttempts: 2, retryDelayMs: 500 })
const slow = demo('slow', { timeoutMs: HOUR_MS })
const later = demo('later')

/** The demo's definitions. */
export const DEMO_ACTIVITIES: readonly ActivityDefinition[] = [greet, flaky, broken, slow, later]

/** Registers the demo's handlers. */
export function registerDemo(worker: Worker): void {
  worker.handle(greet, input => ({ greeting: `hello ${nameOf(input)}` }))
  worker.handle(flaky, (input, { attempt }) => {
    if (attempt === 1) throw new Error('the mail server is busy: 451')
    return { sent: input }
  })
  worker.handle(broken, () => {
    throw new TypeError('order 42 has no lines')
  })
  worker.handle(slow, async (_, { signal }) => {
    await systemClock.sleep(HOUR_MS, { signal })
  })
  worker.handle(later, () => ({ done: true }))
}

/** Enqueues one that succeeds, one that is retried, one that dies, one that takes long and one that is scheduled. */
export async function enqueueDemo(client: Client): Promise<void> {
  await client.enqueue(greet, { name: 'Ada' })
  await client.enqueue(flaky, { to: 'a@example.com' })
  await client.enqueue(broken, { orderId: 42 })
  await client.enqueue(slow, {})
  await client.enqueue(later, {}, { delayMs: HOUR_MS })
}

function demo(
  type: string,
  policy: { readonly maxAttempts?: number; readonly retryDelayMs?: number; readonly timeoutMs?: number } = {},
): ActivityDefinition {
  return defineActivity({ type, input: anything, output: anything, ...policy })
}

function nameOf(input: unknown): string {
  const name = typeof input === 'object' && input !== null && 'name' in input ? input.name : undefined
  return typeof name === 'string' ? name : 'you'
}
