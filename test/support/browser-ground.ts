// A console to look at: a storage with a worker, and the console's pages over real HTTP.

import { once } from 'node:events'
import type { Server } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inject } from 'vitest'
import { z } from 'zod'
import { Client } from '../../src/client/client.ts'
import { defineActivity } from '../../src/client/define-activity.ts'
import type { Console, ConsoleOptions } from '../../src/console/index.ts'
import { createConsole } from '../../src/console/index.ts'
import type { Status } from '../../src/core/activity.ts'
import { systemClock } from '../../src/core/clock.ts'
import { ErrandError, NonRetryableError } from '../../src/core/errors.ts'
import { uuidv7Source } from '../../src/core/ids.ts'
import { newActivity } from '../../src/core/new-activity.ts'
import { handleOperations } from '../../src/operations/operation-worker.ts'
import { MemoryStorage } from '../../src/storage/memory/index.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { Worker } from '../../src/worker/worker.ts'

/** Charges an order: an amount below zero is no amount, and an address without @ no address. */
export const chargeOrder = defineActivity({
  type: 'charge-order',
  input: z.looseObject({ orderId: z.string() }),
  ...{ maxAttempts: 2, retryDelayMs: 50, retryDelayMaxMs: 50 },
})
/** Runs until it is cancelled. */
export const longRun = defineActivity({ type: 'long-run', input: z.unknown(), timeoutMs: 3_600_000 })
/** Nobody subscribes to it. */
export const unattended = defineActivity({ type: 'unattended', input: z.unknown() })

const ids = uuidv7Source({
  nowMs: () => systemClock.nowMs(),
  randomBytes: into => crypto.getRandomValues(into as Uint8Array<ArrayBuffer>),
})
const WAIT_MS_MAX = 30_000

/** What a ground may be given. */
export interface GroundOptions {
  /** @defaultValue a new one in memory, which the ground closes */
  readonly storage?: Storage
  readonly console?: Omit<ConsoleOptions, 'storage' | 'assetsFolder'>
  /** Where a proxy in front has it, that cuts the path off and tells nobody. @defaultValue none */
  readonly proxyPath?: string
}

/** The ground. */
export class BrowserGround implements AsyncDisposable {
  readonly storage: Storage
  readonly client: Client
  /** With a slash behind. */
  readonly address: string
  readonly #server: Server
  readonly #console: Console
  readonly #worker: Worker

  private constructor(parts: { storage: Storage; server: Server; console: Console; worker: Worker; path: string }) {
    this.storage = parts.storage
    this.client = new Client({ storage: parts.storage })
    this.#server = parts.server
    this.#console = parts.console
    this.#worker = parts.worker
    this.address = `http://127.0.0.1:${(parts.server.address() as AddressInfo).port}${parts.path}/`
  }

  static async open(options: GroundOptions = {}): Promise<BrowserGround> {
    const { storage = new MemoryStorage(), proxyPath = '' } = options
    const worker = new Worker({ storage, workerId: 'worker-1', concurrency: 20, reaper: { intervalMs: 50 } })
    worker.handle(chargeOrder, charge)
    worker.handle(longRun, async (_, { signal }) => {
      await systemClock.sleep(3_600_000, { signal })
    })
    handleOperations(worker, { storage })
    await worker.start()
    await storage.declareTypes({ types: [unattended.type] })
    const served = createConsole({ namespace: 'shop', ...options.console, storage, assetsFolder: inject('pages') })
    const server = createServer((request, response) => {
      const path = request.url ?? '/'
      // As proxies do: the folder's name leads to the folder.
      if (proxyPath !== '' && path === proxyPath)
        return void response.writeHead(301, { location: `${proxyPath}/` }).end()
      if (!path.startsWith(proxyPath)) return void response.writeHead(404).end()
      request.url = path.slice(proxyPath.length) || '/'
      served.handler(request, response)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new BrowserGround({
      storage,
      server,
      console: served,
      worker,
      path: `${options.console?.basePath ?? ''}${proxyPath}`,
    })
  }

  /** Waits until an activity stands so. */
  async stands(id: string, status: Status): Promise<void> {
    await until(`${id} is ${status}`, async () => (await this.storage.getActivity({ id }))?.status === status)
  }

  /** An order that fails of an amount that is below zero, as a dead letter. */
  async deadOrder(orderId = '42', more: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const { id } = await this.client.enqueue(chargeOrder, { orderId, amount: -5, ...more })
    await this.stands(id, 'dead_letter')
    return id
  }

  /** One of this payload, with every digit of it, as a dead letter. */
  async deadPayload(payloadJson: string): Promise<string> {
    const made = newActivity(
      { type: chargeOrder.type, payload: null, maxAttempts: 1 },
      { ids, nowMs: systemClock.nowMs() },
    )
    await this.storage.enqueueMany({ activities: [{ ...made, payloadJson }] })
    await this.stands(made.id, 'dead_letter')
    return made.id
  }

  /** Ends what answers requests; the storage and the worker stay. */
  async endServer(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  /** Answers again, at the same address. */
  async startServer(): Promise<void> {
    this.#server.listen(Number(new URL(this.address).port), '127.0.0.1')
    await once(this.#server, 'listening')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#console.close()
    this.#server.closeAllConnections()
    this.#server.close()
    await this.#worker.stop({ graceMs: 0 })
    await this.storage.close()
  }
}

/** Waits until something holds. */
export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const endMs = systemClock.monotonicMs() + WAIT_MS_MAX
  while (!(await holds())) {
    if (systemClock.monotonicMs() > endMs) throw new ErrandError('timeout', `${what}: not after ${WAIT_MS_MAX} ms`)
    await systemClock.sleep(50)
  }
}

/** The handler: fails in words of its own, so that whoever looks can find the reason. */
function charge(input: Readonly<Record<string, unknown>>): object {
  const { amount, error } = input
  if (typeof error === 'string') throw new Error(error)
  if (input['refuse'] === true) throw new NonRetryableError('the card is stolen')
  if (typeof amount === 'number' && amount < 0) {
    throw Object.assign(new RangeError(`amount ${amount} of order ${String(input['orderId'])} is below zero`), {
      code: 'EAMOUNT',
    })
  }
  return { charged: amount ?? null }
}
