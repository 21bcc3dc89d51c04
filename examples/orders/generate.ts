// Makes the orders that are shipped beside it: the same seed gives the same bytes, on every machine.
//
//   node examples/orders/generate.ts [--count 2000] [--seed 1] > examples/orders/orders.jsonl
//
// A few orders bring trouble, so that every way to end is seen (handlers.ts says what each of the words does), and some
// lines are there twice, as when a shop sends again what it is not sure of having sent.

import { parseArgs } from 'node:util'
import type { Order } from './order.ts'

const { values } = parseArgs({
  options: { count: { type: 'string', default: '2000' }, seed: { type: 'string', default: '1' } },
})
process.stdout.write(
  ordersOf(Number(values.count), Number(values.seed))
    .map(order => `${JSON.stringify(order)}\n`)
    .join(''),
)

function ordersOf(count: number, seed: number): Order[] {
  const random = randomOf(seed)
  const orders: Order[] = []
  for (let at = 0; at < count; at += 1) {
    const earlier = orders[at - 1 - Math.floor(random() * 50)]
    orders.push(earlier !== undefined && random() < 0.02 ? earlier : orderOf(at + 1, random))
  }
  return orders
}

function orderOf(number: number, random: () => number): Order {
  const pick = <T>(...[first, ...rest]: [T, ...T[]]): T =>
    [first, ...rest][Math.floor(random() * (rest.length + 1))] ?? first
  const lines = Array.from({ length: 1 + Math.floor(random() * 3) }, () => ({
    sku: `sku-${100 + Math.floor(random() * 900)}`,
    quantity: 1 + Math.floor(random() * 4),
  }))
  const chance = random()
  return {
    orderId: `order-${String(number).padStart(5, '0')}`,
    email: `customer-${Math.floor(random() * 900)}@${chance < 0.03 ? 'greylist.example' : 'mail.example'}`,
    cardToken: chance > 0.97 ? 'tok_declined' : chance > 0.94 ? 'tok_gateway_busy' : pick('tok_visa', 'tok_mastercard'),
    totalCents: 500 + Math.floor(random() * 50_000),
    lines: random() < 0.01 ? [{ sku: 'sku-discontinued', quantity: 1 }, ...lines] : lines,
    zone: random() < 0.015 ? 'offshore' : pick('north', 'south', 'east', 'west'),
    express: random() < 0.1,
  }
}

/** Mulberry32: small, and the same everywhere. Numbers in [0, 1). */
function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
