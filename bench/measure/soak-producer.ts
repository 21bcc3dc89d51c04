// A producer as a process that can be asked how it is: node --expose-gc soak-producer.ts <settings as JSON>, with the place in
// the environment. It enqueues as fast as it can, but never more than it was told: `more` is what others have run.

import { Client } from '../../src/index.ts'
import { KafkaStorage } from '../../src/storage/kafka/index.ts'
import { enqueueBatch, measuredActivity } from './measured-activity.ts'
import { obey, placeOfEnvironment, say } from './program-lines.ts'

const BATCH_SIZE = 500
const CALLERS = 2

const { type }: { readonly type: string } = JSON.parse(process.argv[2] ?? '{}')
const definition = measuredActivity(type)
let credit = 0
let isOver = false
let wake = Promise.withResolvers<void>()

await using storage = await KafkaStorage.open(placeOfEnvironment())
const client = new Client({ storage })
const told = obey(command => {
  if (command.kind === 'more') credit += command.count
  const { resolve } = wake
  wake = Promise.withResolvers()
  resolve()
})
const callers = Promise.all(Array.from({ length: CALLERS }, enqueueForEver))
say({ kind: 'ready', startMs: 0 })
await Promise.race([told, callers])
isOver = true
wake.resolve()
await callers

async function enqueueForEver(): Promise<void> {
  while (!isOver) {
    if (credit < BATCH_SIZE) {
      await wake.promise
      continue
    }
    credit -= BATCH_SIZE
    await enqueueBatch(client, definition, BATCH_SIZE)
  }
}
