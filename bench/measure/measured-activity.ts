// What the measurements of aims run: no-ops of 300 bytes, some of which hold their slot for as long as they are told.

import { z } from 'zod'
import type { ActivityDefinition, Client } from '../../src/index.ts'
import { defineActivity } from '../../src/index.ts'
import { payloadSentAt } from '../subject.ts'
import { preciseNowMs } from '../wall-clock.ts'

const BATCH_SIZE = 500
const CALLERS = 4
/** What holds its slot is ended by its worker's stop, never by its timeout. */
const TIMEOUT_MS = 24 * 3_600_000

/** What goes in: `holdMs` is how long its handler takes, if it is to take longer than its worker's do. */
export interface MeasuredInput {
  readonly sentAtMs: number
  readonly padding: string
  readonly holdMs?: number | undefined
}

/** What a handler gets. */
export interface MeasuredPayload extends MeasuredInput {
  readonly holdMs: number
}

/** The activity of this type. */
export function measuredActivity(type: string): ActivityDefinition<MeasuredInput, MeasuredPayload> {
  const input = z.object({ sentAtMs: z.number(), padding: z.string(), holdMs: z.number().default(0) })
  return defineActivity({ type, input, timeoutMs: TIMEOUT_MS })
}

/** Enqueues so many no-ops in batches of 500, a few batches at once. What is not accepted ends the measurement. */
export async function fill(client: Client, type: string, count: number): Promise<void> {
  const definition = measuredActivity(type)
  let left = count
  const call = async (): Promise<void> => {
    while (left > 0) {
      const size = Math.min(left, BATCH_SIZE)
      left -= size
      await enqueueBatch(client, definition, size)
    }
  }
  await Promise.all(Array.from({ length: CALLERS }, call))
}

/** Enqueues one batch. Throws what any of its answers says. */
export async function enqueueBatch(
  client: Client,
  definition: ActivityDefinition<MeasuredInput, MeasuredPayload>,
  size: number,
): Promise<void> {
  const input = payloadSentAt(preciseNowMs())
  const answers = await client.enqueueMany(
    definition,
    Array.from({ length: size }, () => ({ input })),
  )
  for (const answer of answers) if ('error' in answer) throw answer.error
}
