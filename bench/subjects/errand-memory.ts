// Errand on memory, with its worker in this process: no promise of durability, but an upper bound for the code around it.

import { Client } from '../../src/index.ts'
import { MemoryStorage } from '../../src/storage/memory/index.ts'
import { noopActivity, startNoopWorker } from '../noop-worker.ts'
import type { Lane, Subject } from '../subject.ts'
import { enqueuesOf, errandVersion } from './errand-lane.ts'

/** Opens the subject. */
export function openErrandOnMemory(): Subject {
  const storage = new MemoryStorage()
  const client = new Client({ storage })
  return {
    name: 'errand (memory)',
    version: errandVersion(),
    promise: 'in the memory of this process, where its worker runs too',
    openLane(name): Promise<Lane> {
      return Promise.resolve({
        ...enqueuesOf(client, noopActivity(name)),
        startWorker: settings => startNoopWorker(storage.peer(), name, settings),
      })
    },
    [Symbol.asyncDispose]: () => storage.close(),
  }
}
