// What runs. The shop's partners are played here, and some words in an order make them fail, always in the same way:
//
//   sku-discontinued    no such article          NonRetryableError: failed at once
//   tok_declined        the bank says no         NonRetryableError: failed at once
//   tok_gateway_busy    busy the first time      any other error: retried, then completed
//   @greylist.example   "come back in 300 ms"    RetryAfterError: the handler says when to retry
//   offshore            no carrier goes there    fails each time: dead-lettered when the attempts are used up

import type { HandlerContext, Worker } from '../../src/index.ts'
import { NonRetryableError, RetryAfterError, systemClock } from '../../src/index.ts'
import { chargeCard, notifyWarehouse, reserveStock, sendReceipt, shipOrder } from './activities.ts'

/** Tells a worker how to run each of the five activities. */
export function registerHandlers(worker: Worker): void {
  worker.handle(reserveStock, async ({ orderId, lines }, ctx) => {
    const missing = lines.find(({ sku }) => sku === 'sku-discontinued')
    if (missing !== undefined) throw new NonRetryableError(`${missing.sku} is no longer sold`)
    await callPartner(ctx)
    return {
      orderId,
      reservationId: `res-${orderId}`,
      articles: lines.reduce((sum, { quantity }) => sum + quantity, 0),
    }
  })

  worker.handle(chargeCard, async ({ orderId, cardToken, totalCents }, ctx) => {
    if (cardToken === 'tok_declined') throw new NonRetryableError('the bank declined the card')
    if (cardToken === 'tok_gateway_busy' && ctx.attempt === 1) throw new Error('the payment gateway is busy')
    await callPartner(ctx)
    return { orderId, chargeId: `ch-${orderId}`, totalCents }
  })

  worker.handle(sendReceipt, async ({ orderId, email }, ctx) => {
    if (email.endsWith('@greylist.example') && ctx.attempt === 1) throw new RetryAfterError({ delayMs: 300 })
    await callPartner(ctx)
    return { orderId, mailId: `mail-${orderId}` }
  })

  worker.handle(shipOrder, async ({ orderId, zone }, ctx) => {
    await callPartner(ctx)
    if (zone === 'offshore') throw new Error(`no carrier serves ${zone}`)
    return { orderId, trackingId: `track-${orderId}` }
  })

  worker.handle(notifyWarehouse, async ({ orderId }, ctx) => {
    await callPartner(ctx)
    return { orderId, notified: true }
  })
}

/** Where a real handler talks to another system. It passes the signal on, which aborts on timeout, cancel and shutdown. */
async function callPartner({ signal }: HandlerContext): Promise<void> {
  await systemClock.sleep(2, { signal })
}
