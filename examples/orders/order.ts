// What an order looks like in the input file: one JSON object on each line.

import { z } from 'zod'

/** One line of the input file. */
export const orderSchema = z.strictObject({
  orderId: z.string().regex(/^[A-Za-z0-9-]{1,64}$/),
  email: z.email(),
  /** The payment provider's name for the card. */
  cardToken: z.string().min(1).max(64),
  totalCents: z.int().positive(),
  lines: z
    .array(z.strictObject({ sku: z.string().min(1).max(64), quantity: z.int().positive() }))
    .min(1)
    .max(50),
  /** Where it goes. */
  zone: z.string().min(1).max(64),
  express: z.boolean(),
})

/** An order, as the file holds it. */
export type Order = z.infer<typeof orderSchema>
