// Activities for consoles to look at: handlers that do as their payload says, and memory storage that they run on.

import { z } from 'zod'
import { defineActivity } from '../../src/client/define-activity.ts'
import { Client } from '../../src/client/client.ts'
import { handleOperations } from '../../src/operations/operation-worker.ts'
import { MemoryStorage } from '../../src/storage/memory/index.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { Worker } from '../../src/worker/worker.ts'

/** What a mail says. */
type Mail = Readonly<{ host?: string; waits?: boolean; [more: string]: unknown }>

/** Fails when its payload names no host that is there; waits for its cancellation when it is told to. */
export const mail = defineActivity({
  type: 'mail',
  input: z.looseObject({ host: z.string().optional(), waits: z.boolean().optional() }),
  maxAttempts: 2,
  retryDelayMs: 0,
})

/** A worker of these, and of bulk work. */
export function mailWorker(storage: Storage): Worker {
  const worker = new Worker({ storage, workerId: 'pod-1', reaper: { intervalMs: 100 } })
  worker.handle(mail, async ({ host, waits }, { signal }) => {
    if (host !== undefined && host !== 'up') throw Object.assign(new Error(`no route to ${host}`), { code: 'ENOROUTE' })
    if (waits !== true) return { sent: true }
    await new Promise(resolve => signal.addEventListener('abort', resolve, { once: true }))
    throw signal.reason
  })
  handleOperations(worker, { storage })
  return worker
}

/** Memory storage with a worker that runs. */
export class ConsoleGround implements AsyncDisposable {
  readonly storage = new MemoryStorage()
  readonly client = new Client({ storage: this.storage })
  readonly worker: Worker

  private constructor() {
    this.worker = mailWorker(this.storage)
  }

  /** `works` false: nobody runs anything. */
  static async open({ works = true } = {}): Promise<ConsoleGround> {
    const ground = new ConsoleGround()
    if (works) await ground.worker.start()
    else await ground.storage.subscribe({ types: ['mail'] })
    return ground
  }

  /** Enqueues, and waits for the end: the id. */
  async ended(payload: Mail, metadata: Readonly<Record<string, string>> = {}): Promise<string> {
    const handle = await this.client.enqueue(mail, payload, { metadata })
    await this.storage.awaitResult({ id: handle.id, signal: AbortSignal.timeout(20_000) })
    return handle.id
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.worker.stop()
    await this.storage.close()
  }
}
