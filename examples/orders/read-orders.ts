// Reads the input file. A line that is not an order is noted with its number and left out; the others are not touched by it.

import { open } from 'node:fs/promises'
import { z } from 'zod'
import type { Order } from './order.ts'
import { orderSchema } from './order.ts'
import { Refusal } from './refusal.ts'

/** A line that is no order, and why. */
export interface RefusedLine {
  readonly lineNumber: number
  readonly reason: string
}

/** What a file holds. Blank lines count for nothing. */
export interface OrderFile {
  readonly orders: readonly Order[]
  readonly refused: readonly RefusedLine[]
}

/** Reads a whole file. Throws {@link Refusal} when it cannot be read. */
export async function readOrders(path: string): Promise<OrderFile> {
  const orders: Order[] = []
  const refused: RefusedLine[] = []
  let lineNumber = 0
  try {
    await using file = await open(path)
    for await (const line of file.readLines()) {
      lineNumber += 1
      if (line.trim() === '') continue
      const order = orderOf(line)
      if (typeof order === 'string') refused.push({ lineNumber, reason: order })
      else orders.push(order)
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (typeof code !== 'string') throw error
    const why = code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code})`
    throw new Refusal(`--file is ${path}, but ${why}`, { cause: error })
  }
  return { orders, refused }
}

/** The order, or why it is none. */
function orderOf(line: string): Order | string {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (error) {
    return `not JSON: ${error instanceof Error ? error.message : String(error)}`
  }
  const { data, error } = orderSchema.safeParse(value)
  return data ?? `not an order: ${z.prettifyError(error).replaceAll(/\s*\n\s*/g, ' ')}`
}
