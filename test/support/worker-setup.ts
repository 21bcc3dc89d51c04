// A worker on memory storage and a manual clock, and ways to wait for what it says.

import { ErrandError } from '../../src/core/errors.ts'
import type { ErrorCode } from '../../src/core/errors.ts'
import type { LogFields, Logger } from '../../src/core/logger.ts'
import { Client } from '../../src/client/client.ts'
import { MemoryStorage } from '../../src/storage/memory/memory-storage.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { Worker } from '../../src/worker/worker.ts'
import type { WorkerEvents } from '../../src/worker/worker-events.ts'
import type { WorkerOptions } from '../../src/worker/worker-options.ts'

/** Lines of a logger that remembers. */
export interface LogLine {
  readonly level: keyof Logger
  readonly message: string
  readonly fields: LogFields
}

/** A logger that remembers its lines. */
export function memoryLogger(): { readonly logger: Logger; readonly lines: LogLine[] } {
  const lines: LogLine[] = []
  const at =
    (level: keyof Logger) =>
    (message: string, fields: LogFields = {}): void => {
      lines.push({ level, message, fields })
    }
  return { lines, logger: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') } }
}

/** Everything around one worker; the caller stops it. */
export interface WorkerSetup extends AsyncDisposable {
  readonly clock: ManualClock
  readonly memory: MemoryStorage
  readonly storage: Storage
  readonly client: Client
  readonly worker: Worker
  readonly lines: LogLine[]
}

/** A worker that is not started yet. `wrap` puts a fault injector between it and the storage. */
export function setupWorker(
  options: Partial<WorkerOptions> = {},
  wrap: (memory: MemoryStorage) => Storage = memory => memory,
): WorkerSetup {
  const clock = new ManualClock()
  const memory = new MemoryStorage({ clock })
  const storage = wrap(memory)
  const { logger, lines } = memoryLogger()
  const client = new Client({ storage: memory, clock })
  const worker = new Worker({ storage, clock, logger, reaper: false, workerId: 'w1', ...options })
  return {
    ...{ clock, memory, storage, client, worker, lines },
    async [Symbol.asyncDispose]() {
      const stopping = worker.stop({ graceMs: 0 })
      let isStopped = false
      void stopping.finally(() => (isStopped = true))
      // Handlers that never end take the time that is left for them, and only a test moves time.
      while (!isStopped) await clock.advance(1_000)
      await memory.close()
    },
  }
}

/** The next event of that name. */
export function once<Name extends keyof WorkerEvents>(worker: Worker, name: Name): Promise<WorkerEvents[Name]> {
  return new Promise(resolve => {
    const off = worker.on(name, event => {
      off()
      resolve(event)
    })
  })
}

/** So many events of that name, in order. */
export function many<Name extends keyof WorkerEvents>(
  worker: Worker,
  name: Name,
  count: number,
): Promise<WorkerEvents[Name][]> {
  return new Promise(resolve => {
    const events: WorkerEvents[Name][] = []
    const off = worker.on(name, event => {
      if (events.push(event) < count) return
      off()
      resolve(events)
    })
  })
}

/** Turns of the event loop: enough for everything that waits for nothing outside to have happened. */
export async function turns(count = 10): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(resolve => setImmediate(resolve))
}

/** A promise with its resolve. */
export function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { opened: promise, open: resolve }
}

/** A storage whose named methods fail for the first so many calls, without reaching the real one; counts all calls. */
export function failing(
  storage: Storage,
  plan: Partial<Record<keyof Storage, number>>,
  code: ErrorCode = 'unavailable',
): { readonly storage: Storage; readonly calls: Map<PropertyKey, number> } {
  const calls = new Map<PropertyKey, number>()
  const left = new Map<PropertyKey, number>(Object.entries(plan))
  const wrapped = new Proxy(storage, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      return (...args: unknown[]): unknown => {
        calls.set(name, (calls.get(name) ?? 0) + 1)
        const failures = left.get(name) ?? 0
        if (failures <= 0) return Reflect.apply(value, target, args)
        left.set(name, failures - 1)
        return Promise.reject(new ErrandError(code, `${String(name)} failed as planned`))
      }
    },
  })
  return { storage: wrapped, calls }
}
