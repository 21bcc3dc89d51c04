// What can be done for an order: five activities, each with what goes in and what comes out. No handler is in here, so that
// who enqueues an activity does not load what runs it.

import { z } from 'zod'
import { defineActivity } from '../../src/index.ts'
import { orderSchema } from './order.ts'

const { orderId, lines, email, cardToken, totalCents, zone } = orderSchema.shape

/** Short, so that the example ends in seconds; the default of 1 s is what a service wants. Unit: ms. */
const retryDelayMs = 50

/** Takes the articles from the shelves. */
export const reserveStock = defineActivity({
  type: 'reserve-stock',
  input: z.object({ orderId, lines }),
  output: z.object({ orderId, reservationId: z.string(), articles: z.int() }),
  priority: 'high',
  retryDelayMs,
})

/** Takes the money. */
export const chargeCard = defineActivity({
  type: 'charge-card',
  input: z.object({ orderId, cardToken, totalCents }),
  output: z.object({ orderId, chargeId: z.string(), totalCents }),
  priority: 'high',
  maxAttempts: 5,
  retryDelayMs,
})

/** Mails the receipt. */
export const sendReceipt = defineActivity({
  type: 'send-receipt',
  input: z.object({ orderId, email, totalCents }),
  output: z.object({ orderId, mailId: z.string() }),
  retryDelayMs,
})

/** Hands the parcel to a carrier. */
export const shipOrder = defineActivity({
  type: 'ship-order',
  input: z.object({ orderId, zone }),
  output: z.object({ orderId, trackingId: z.string() }),
  maxAttempts: 3,
  timeoutMs: 5_000,
  retryDelayMs,
})

/** Tells the warehouse what left. */
export const notifyWarehouse = defineActivity({
  type: 'notify-warehouse',
  input: z.object({ orderId, lines }),
  output: z.object({ orderId, notified: z.literal(true) }),
  priority: 'low',
  retryDelayMs,
})
