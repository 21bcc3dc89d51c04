// A worker that is also a producer, of whichever version lies in a folder: node version-child.ts <VersionConfig as JSON>, with an
// IPC channel. The same few lines run both versions, so that only what lies behind the doors differs.

import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type * as clients from '../../src/client/client.ts'
import type * as definitions from '../../src/client/define-activity.ts'
import type * as kafka from '../../src/storage/kafka/index.ts'
import type * as signals from '../../src/worker/stop-signals.ts'
import type * as workers from '../../src/worker/worker.ts'
import type { VersionConfig, VersionOrder, VersionWord } from './version-process.ts'
import { versionInput } from './version-process.ts'

const config = JSON.parse(process.argv[2] ?? '') as VersionConfig
const { name, namespace, brokers, redisUrl, partitions } = config
const source = async <T>(file: string): Promise<T> =>
  (await import(pathToFileURL(join(config.root, 'src', file)).href)) as T

const { Client } = await source<typeof clients>('client/client.ts')
const { defineActivity } = await source<typeof definitions>('client/define-activity.ts')
const { KafkaStorage } = await source<typeof kafka>('storage/kafka/index.ts')
const { stopSignals } = await source<typeof signals>('worker/stop-signals.ts')
const { Worker } = await source<typeof workers>('worker/worker.ts')

const { leaseMs, sessionTimeoutMs, reapIntervalMs } = config
const activity = defineActivity({
  ...{ type: 'versioned', input: versionInput, maxAttempts: 3, retryDelayMs: 20, timeoutMs: 60_000 },
})

const stopping = stopSignals()
const storage = await KafkaStorage.open({
  ...{ namespace, brokers, redisUrl, partitions, sessionTimeoutMs, commitIntervalMs: 200 },
})
const client = new Client({ storage })
const worker = new Worker({
  ...{ storage, workerId: name, concurrency: 20, graceMs: 10_000, leaseMs, reaper: { intervalMs: reapIntervalMs } },
  deadLetterBudget: false,
})
worker.handle(activity, async (input, { id, attempt }) => {
  const note = (what: 'start' | 'end'): void =>
    appendFileSync(config.ledgerFile, `${JSON.stringify({ what, worker: name, pid: process.pid, id, attempt })}\n`)
  note('start')
  say({ event: 'started', id, attempt })
  if (input.do === 'hang' && attempt === 1) await new Promise(() => undefined)
  if (input.do === 'retry' && attempt === 1) throw new Error('not the first time')
  if (input.do === 'die') throw new Error('never')
  note('end')
  return { by: name }
})
process.on('message', order => void carryOut(order as VersionOrder))
await worker.start()
say({ event: 'ready' })
await worker.run({ signal: stopping })
await storage.close()
if (process.connected) process.disconnect()

async function carryOut({ order, inputs, ids }: VersionOrder): Promise<void> {
  if (order === 'await') {
    const results = await Promise.all(ids.map(id => client.handle(activity, id).result({ timeoutMs: 60_000 })))
    say({ event: 'results', results })
    return
  }
  const answers = await client.enqueueMany(activity, inputs)
  say({ event: 'enqueued', ids: answers.map(one => (one.outcome === 'created' ? one.handle.id : one.outcome)) })
}

function say(word: VersionWord): void {
  // A test that has gone does not listen any more.
  if (process.connected) process.send?.(word, undefined, undefined, () => undefined)
}
