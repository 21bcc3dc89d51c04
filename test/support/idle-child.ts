// A process with nothing to do: node idle-child.ts <KafkaStorageOptions as JSON> <ms>. Subscribes to three types and says which
// share of a core it used over so many ms; then once more with a worker and its reaper.

import { z } from 'zod'
import { defineActivity } from '../../src/client/define-activity.ts'
import { systemClock } from '../../src/core/clock.ts'
import { KafkaStorage } from '../../src/storage/kafka/index.ts'
import type { KafkaStorageOptions } from '../../src/storage/kafka/kafka-storage-options.ts'
import { Worker } from '../../src/worker/worker.ts'

const [options = '', ms = ''] = process.argv.slice(2)
const types = ['first', 'second', 'third']
/** Joining, and what is compiled on the way, is not idling. */
const SETTLE_MS = 1_000

async function measuredShare(): Promise<number> {
  await systemClock.sleep(SETTLE_MS)
  const before = process.cpuUsage()
  await systemClock.sleep(Number(ms))
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000 / Number(ms)
}

await using storage = await KafkaStorage.open(JSON.parse(options) as KafkaStorageOptions)
await storage.subscribe({ types })
const subscribed = await measuredShare()
const worker = new Worker({ storage })
for (const type of types) worker.handle(defineActivity({ type, input: z.unknown() }), () => null)
await worker.start()
const working = await measuredShare()
await worker.stop()
process.stdout.write(JSON.stringify({ subscribed, working }))
