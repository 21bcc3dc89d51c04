import { z } from 'zod'
import { Client, defineActivity, Worker } from '../src/index.ts'
import { MemoryStorage } from '../src/storage/memory/index.ts'

const sendInvoice = defineActivity({
  type: 'send-invoice',
  input: z.object({ orderId: z.string(), email: z.email() }),
  output: z.object({ receiptId: z.string() }),
  retryDelayMs: 100,
})

await using storage = new MemoryStorage()
await using worker = new Worker({ storage })
worker.handle(sendInvoice, ({ orderId }, ctx) => {
  if (ctx.attempt === 1) throw new Error('the mail server is busy') // any throw is retried
  return { receiptId: `receipt-${orderId}` }
})
await worker.start()

const client = new Client({ storage })
const handle = await client.enqueue(sendInvoice, { orderId: '42', email: 'a@example.com' }, { key: 'invoice-42' })
console.log(await handle.result({ timeoutMs: 10_000 }))
