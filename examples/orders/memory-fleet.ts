// Workers within this process, for a storage that lives in it: each has its own handle on the storage, as if it were one
// of several processes.

import type { MemoryStorage } from '../../src/storage/memory/index.ts'
import type { Fleet } from './fleet.ts'
import { Tally } from './fleet.ts'
import { startOrderWorker } from './order-worker.ts'

/** A {@link Fleet} in memory. */
export class MemoryFleet implements Fleet {
  readonly ready: Promise<void>
  readonly tally: Tally
  readonly lost: Map<string, string> = new Map()
  readonly #started: Promise<{ stop(): Promise<void> }[]>

  constructor(storage: MemoryStorage, workers: readonly string[]) {
    this.tally = new Tally(workers)
    const start = (workerId: string): Promise<{ stop(): Promise<void> }> =>
      startOrderWorker({ storage: storage.peer(), workerId, report: report => this.tally.add(workerId, report) })
    this.#started = Promise.all(workers.map(start))
    this.ready = this.#started.then(() => undefined)
  }

  async stop(): Promise<void> {
    const workers = await this.#started
    await Promise.all(workers.map(worker => worker.stop()))
  }
}
