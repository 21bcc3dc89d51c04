// A producer as a process of its own: node producer-child.ts <LoadChildConfig as JSON>, with an IPC channel. On SIGTERM it
// enqueues no more and waits for the answers that are due.

import { AftermathRunner } from './aftermath.ts'
import { live } from './child-life.ts'
import { HistoryFile } from './evidence-file.ts'
import { LoadDraw } from './load-draw.ts'
import { Producer } from './producer.ts'
import { recorded } from './recording-storage.ts'

/** How long a producer waits for answers when it is to stop. */
const FINISH_MS_MAX = 20_000

await live(async ({ config, storage, logger, stopping, ready }) => {
  const { dir, name, seed, rate } = config
  const watched = recorded(storage, new HistoryFile(dir, name))
  const aftermath = new AftermathRunner({ storage: watched, logger, stopping })
  const producer = new Producer({
    ...{ storage: watched, draw: new LoadDraw(seed, name), logger, rate },
    onAccepted: drawn => aftermath.begin(drawn),
  })
  ready()
  await producer.run(stopping)
  await Promise.all([producer.finish(FINISH_MS_MAX), aftermath.finish(FINISH_MS_MAX)])
})
