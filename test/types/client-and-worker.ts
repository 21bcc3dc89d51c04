// What the compiler must infer, and what it must refuse. Checked by plain tsc; never run.

import { z } from 'zod'
import type { ErrandError, Handle, HandlerContext } from '../../src/index.ts'
import { Client, Worker, defineActivity } from '../../src/index.ts'
import { MemoryStorage } from '../../src/storage/memory/index.ts'
import { createTestKit } from '../../src/testing/index.ts'

/** Exactly the same type, also where one is `any`. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- comparing two generic signatures is the trick
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function same<A, B>(_proof: Same<A, B>): void {}

const invoice = defineActivity({
  type: 'send-invoice',
  input: z.object({ orderId: z.string().transform(Number), note: z.string().default('') }),
  output: z.object({ sentAt: z.iso.datetime().transform(text => new Date(text)) }),
})
const plain = defineActivity({ type: 'plain', input: z.string() })

const storage = new MemoryStorage()
const client = new Client({ storage })
const worker = new Worker({ storage })
const kit = createTestKit()

export async function enqueueTakesTheSchemasInput(): Promise<void> {
  const handle = await client.enqueue(invoice, { orderId: '42' }, { key: 'k', onDuplicate: 'no_reuse', delayMs: 5 })
  same<typeof handle, Handle<{ sentAt: Date }>>(true)
  const result = await handle.result({ signal: AbortSignal.timeout(5) })
  same<typeof result, { sentAt: Date }>(true)
  const unknown = await (await client.enqueue(plain, 'x')).result()
  same<typeof unknown, unknown>(true)

  // @ts-expect-error what the schema makes is not what it takes
  await client.enqueue(invoice, { orderId: 42 })
  // @ts-expect-error a field is missing
  await client.enqueue(invoice, {})
  // @ts-expect-error a priority that does not exist
  await client.enqueue(plain, 'x', { priority: 'urgent' })
  // @ts-expect-error an option that does not exist
  await client.enqueue(plain, 'x', { delay: 5 })
  // @ts-expect-error a duration is a number of milliseconds
  await client.enqueue(plain, 'x', { delayMs: '5s' })
}

export async function manyAreAnsweredEach(): Promise<void> {
  const [answer] = await client.enqueueMany(invoice, [{ input: { orderId: '1' }, options: { priority: 'low' } }])
  if (answer === undefined) return
  // @ts-expect-error a refused item has no handle
  void answer.handle
  if (answer.outcome === 'created' || answer.outcome === 'existing') {
    same<typeof answer.handle, Handle<{ sentAt: Date }>>(true)
  } else {
    same<typeof answer.error, ErrandError>(true)
  }
  // @ts-expect-error every input is checked
  await client.enqueueMany(invoice, [{ input: { orderId: '1' } }, { input: { orderId: 2 } }])
}

export function handlersGetTheSchemasOutput(): void {
  worker.handle(invoice, (input, ctx) => {
    same<typeof input, { orderId: number; note: string }>(true)
    same<typeof ctx, HandlerContext>(true)
    return { sentAt: new Date().toISOString() }
  })
  worker.handle(invoice, async () => ({ sentAt: '2026-01-01T00:00:00Z' }), { concurrency: 3 })
  worker.handle(plain, () => undefined)
  kit.handle(plain, async text => text.length)

  // @ts-expect-error the handler gives back what the output schema takes, not what it makes
  worker.handle(invoice, () => ({ sentAt: new Date() }))
  // @ts-expect-error the handler takes another input
  worker.handle(plain, (input: number) => input)
  // @ts-expect-error an option that does not exist
  worker.handle(plain, () => null, { limit: 3 })
}

export async function handlesComeBackTyped(): Promise<void> {
  const result = await client.handle(invoice, 'some-id').result()
  same<typeof result, { sentAt: Date }>(true)
  // @ts-expect-error a handle is no promise: awaiting it does not wait for the run
  client.handle(invoice, 'some-id').then(() => undefined)
}

export function eventsAreTyped(): void {
  worker.on('settled', ({ outcome, retryInMs }) => {
    same<typeof outcome, 'completed' | 'retrying' | 'failed' | 'dead_letter' | 'cancelled' | 'released'>(true)
    same<typeof retryInMs, number | null>(true)
  })
  // @ts-expect-error an event that does not exist
  worker.on('finished', () => undefined)
}

export async function runHandlerIsTyped(): Promise<void> {
  const length = await kit.runHandler((text: string) => text.length, 'abc')
  same<typeof length, number>(true)
  // @ts-expect-error the input is the handler's
  await kit.runHandler((text: string) => text.length, 5)
}

// @ts-expect-error a schema is needed
defineActivity({ type: 'no-input' })
// @ts-expect-error the schema must be a Standard Schema
defineActivity({ type: 'bad-input', input: { parse: () => 1 } })
// @ts-expect-error a handler does not belong into a definition
defineActivity({ type: 'handler', input: z.string(), handler: () => 1 })
// @ts-expect-error a storage is needed
void new Worker({ concurrency: 5 })
