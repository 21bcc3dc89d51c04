// What is enqueued for an order: five activities, with their priorities, delays and keys, and how each has to end, told from
// the order alone. The end of the run is checked against it.

import type { ActivityDefinition, Client, EnqueueOptions } from '../../src/index.ts'
import { chargeCard, notifyWarehouse, reserveStock, sendReceipt, shipOrder } from './activities.ts'
import type { Order } from './order.ts'

/** How an activity of this example can end. */
export type Ending = 'completed' | 'failed' | 'dead_letter'

/** What became of one activity that was to be enqueued. */
export interface Submitted {
  readonly type: string
  readonly orderId: string
  readonly outcome: 'created' | 'existing' | 'refused' | 'unavailable'
  /** Undefined only when refused. */
  readonly id: string | undefined
  readonly ends: Ending
  /** Why, when refused or unavailable. */
  readonly reason: string | undefined
}

/** One of the five, with its types kept inside. */
export interface Plan {
  readonly type: string
  /** Enqueues this activity for each order, in one call; one answer each, in order. */
  enqueue(client: Client, orders: readonly Order[]): Promise<Submitted[]>
  /** Reads a result back through the activity's output schema, and says for which order it is. */
  readOrderId(client: Client, id: string): Promise<string>
}

// The key is what makes an order that comes twice run once: for each type there is one activity for each order id.
export const plans: readonly Plan[] = [
  planOf(reserveStock, ({ orderId, lines, express }) => ({
    input: { orderId, lines },
    options: { key: orderId, priority: express ? 'critical' : 'high' },
    ends: lines.some(({ sku }) => sku === 'sku-discontinued') ? 'failed' : 'completed',
  })),
  planOf(chargeCard, ({ orderId, cardToken, totalCents }) => ({
    input: { orderId, cardToken, totalCents },
    options: { key: orderId },
    ends: cardToken === 'tok_declined' ? 'failed' : 'completed',
  })),
  planOf(sendReceipt, ({ orderId, email, totalCents }) => ({
    input: { orderId, email, totalCents },
    options: { key: orderId, delayMs: 500 },
    ends: 'completed',
  })),
  planOf(shipOrder, ({ orderId, zone, express }) => ({
    input: { orderId, zone },
    options: { key: orderId, priority: express ? 'high' : 'normal' },
    ends: zone === 'offshore' ? 'dead_letter' : 'completed',
  })),
  planOf(notifyWarehouse, ({ orderId, lines, express }) => ({
    input: { orderId, lines },
    options: { key: orderId, delayMs: express ? 0 : 1_000 },
    ends: 'completed',
  })),
]

interface Step<Given> {
  readonly input: Given
  readonly options: EnqueueOptions
  readonly ends: Ending
}

function planOf<Given, Parsed, Returned, Result extends { readonly orderId: string }>(
  definition: ActivityDefinition<Given, Parsed, Returned, Result>,
  stepOf: (order: Order) => Step<Given>,
): Plan {
  const { type } = definition
  return {
    type,
    async enqueue(client, orders) {
      const steps = orders.map(order => ({ orderId: order.orderId, ...stepOf(order) }))
      const answers = await client.enqueueMany(definition, steps)
      return answers.map((answer, at): Submitted => {
        const { orderId = '', ends = 'completed' } = steps[at] ?? {}
        const { outcome } = answer
        return 'handle' in answer
          ? { type, orderId, ends, outcome, id: answer.handle.id, reason: undefined }
          : { type, orderId, ends, outcome, id: answer.id, reason: answer.error.message }
      })
    },
    async readOrderId(client, id) {
      return (await client.handle(definition, id).result({ timeoutMs: 10_000 })).orderId
    },
  }
}
