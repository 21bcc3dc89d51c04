// A worker as a process of its own: node worker-child.ts <ChildConfig as JSON>, with an IPC channel. Every start and end of a
// handler is in the ledger before anything else happens, so that a SIGKILL hides none. Ends in order on SIGTERM.

import { appendFileSync } from 'node:fs'
import { systemClock } from '../../src/core/clock.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { KafkaStorage } from '../../src/storage/kafka/index.ts'
import type { Storage } from '../../src/storage/storage.ts'
import type { HandlerContext } from '../../src/worker/handler-context.ts'
import { stopSignals } from '../../src/worker/stop-signals.ts'
import { Worker } from '../../src/worker/worker.ts'
import type { ChildConfig, ChildMessage, LedgerLine, OddResult, OddThrow } from './child-protocol.ts'
import { ODD_RESULTS, ODD_THROWS, work } from './child-protocol.ts'

const config = JSON.parse(process.argv[2] ?? '') as ChildConfig
const { name, concurrency, graceMs, leaseMs, reapIntervalMs, sessionTimeoutMs } = config
const leaseIds = new Map<string, string>()

const stopping = stopSignals()
const { namespace, brokers, redisUrl, partitions } = config
const storage = await KafkaStorage.open({
  namespace,
  brokers,
  redisUrl,
  partitions,
  sessionTimeoutMs,
  commitIntervalMs: 200,
})
const worker = new Worker({
  storage: overheard(storage),
  ...{ workerId: name, concurrency, graceMs, leaseMs, logger: silentLogger, reaper: { intervalMs: reapIntervalMs } },
})
worker.handle(work, async (input, context) => {
  note('start', context)
  say({ event: 'started', id: context.id, attempt: context.attempt })
  const result = await doIt(input.do, input.ms, context)
  note('end', context)
  return result
})
worker.on('lease_lost', ({ id, attempt }) => say({ event: 'lease_lost', id, attempt }))
await worker.start()
say({ event: 'ready' })
const report = await worker.run({ signal: stopping })
await storage.close()
say({ event: 'stopped', ...report })

async function doIt(what: string, ms: number, context: HandlerContext): Promise<unknown> {
  if (what === 'note' && ms > 0) await systemClock.sleep(ms)
  if (what === 'endless' || (what === 'hang' && config.isHanging)) await new Promise(() => undefined)
  if (what === 'block' && context.attempt === 1) {
    await new Promise(resolve => setImmediate(resolve)) // so that the start is told before nothing can be told any more
    const untilMs = systemClock.monotonicMs() + ms
    while (systemClock.monotonicMs() < untilMs);
  }
  if ((ODD_THROWS as readonly string[]).includes(what)) return throwOddly(what as OddThrow)
  if ((ODD_RESULTS as readonly string[]).includes(what)) return oddResult(what as OddResult)
  return null
}

function throwOddly(how: OddThrow): unknown {
  const thrown: Record<Exclude<OddThrow, 'late rejection' | `thenable${string}`>, () => unknown> = {
    undefined: () => undefined,
    null: () => null,
    text: () => 'text',
    number: () => Number.NaN,
    symbol: () => Symbol('odd'),
    bigint: () => 2n ** 70n,
    function: () => () => 'odd',
    'bare object': () => Object.create(null),
    'error whose message throws': () =>
      Object.defineProperty(new Error('x'), 'message', { get: () => throwText('getter') }),
    'error with itself as cause': () => {
      const error = new Error('round')
      error.cause = error
      return error
    },
    'error of 5 MB': () => new Error('x'.repeat(5_000_000)),
    'revoked proxy': () => {
      const { proxy, revoke } = Proxy.revocable({}, {})
      revoke()
      return proxy
    },
    'hostile proxy': () =>
      new Proxy(new Error('x'), { get: () => throwText('get'), getPrototypeOf: () => throwText('proto') }),
  }
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- the rest is thrown or returned as it is
  switch (how) {
    case 'late rejection':
      return new Promise((_, reject) => setImmediate(() => reject('late')))
    case 'thenable that throws':
      // oxlint-disable-next-line unicorn/no-thenable -- what a handler may hand back
      return { then: () => throwText('then') }
    case 'thenable that rejects twice':
      return {
        // oxlint-disable-next-line unicorn/no-thenable -- the same
        then: (_: unknown, reject: (reason: unknown) => void) => {
          reject('once')
          reject('twice')
        },
      }
    default:
      throw thrown[how]()
  }
}

function throwText(text: string): never {
  throw text
}

function oddResult(what: OddResult): unknown {
  const circle: Record<string, unknown> = {}
  circle['self'] = circle
  const results: Record<OddResult, unknown> = {
    circle,
    'bigint result': 1n,
    'toJSON that throws': { toJSON: () => throwText('toJSON') },
    'lone surrogate': '\uD800',
  }
  return results[what]
}

/** The storage, with its claims and settlements listened to. */
function overheard(target: KafkaStorage): Storage {
  return new Proxy<Storage>(target, {
    get(_, method) {
      const value: unknown = Reflect.get(target, method, target)
      if (typeof value !== 'function') return value
      if (method === 'dequeue') {
        return async (...[params]: Parameters<Storage['dequeue']>) => {
          const claimed = await target.dequeue(params)
          for (const { activity, attempt, leaseId } of claimed) leaseIds.set(`${activity.id}:${attempt}`, leaseId)
          return claimed
        }
      }
      if (method === 'ackSuccess') {
        return async (...[params]: Parameters<Storage['ackSuccess']>) => {
          const answers = await target.ackSuccess(params)
          params.leases.forEach(({ id }, at) => say({ event: 'acked', id, answer: answers[at] ?? '' }))
          return answers
        }
      }
      return value.bind(target)
    },
  })
}

function note(what: LedgerLine['what'], { id, attempt }: HandlerContext): void {
  const leaseId = leaseIds.get(`${id}:${attempt}`) ?? ''
  const line: LedgerLine = { what, worker: name, pid: process.pid, id, attempt, leaseId, atMs: systemClock.nowMs() }
  appendFileSync(config.ledgerFile, `${JSON.stringify(line)}\n`)
}

function say(message: ChildMessage): void {
  // A test that has gone does not listen any more.
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined)
}
