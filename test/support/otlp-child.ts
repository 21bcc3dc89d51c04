// A process of the trace story: node otlp-child.ts <TracedChildConfig as JSON>, with an IPC channel. It starts OpenTelemetry as any
// service does, and watches in which context the calls to Kafka and Redis are made: an auto-instrumentation makes spans of those
// where tracing is not suppressed, and there are to be none.

import { Socket } from 'node:net'
import { ROOT_CONTEXT, context, createContextKey, trace } from '@opentelemetry/api'
import { NodeSDK } from '@opentelemetry/sdk-node'
import { Client } from '../../src/client/client.ts'
import { systemClock } from '../../src/core/clock.ts'
import type { Logger } from '../../src/core/logger.ts'
import { KafkaStorage } from '../../src/storage/kafka/index.ts'
import { SUPPRESS_TRACING_KEY } from '../../src/telemetry/semantic-conventions.ts'
import { Worker } from '../../src/worker/worker.ts'
import type { TracedChildConfig, TracedChildMessage, TracedChildOrder } from './otlp-child-protocol.ts'
import { note, story } from './otlp-child-protocol.ts'

const LEASE_MS = 1_000
const { role, namespace, brokers, redisUrl } = JSON.parse(process.argv[2] ?? '') as TracedChildConfig
const say = (message: TracedChildMessage): unknown => process.send?.(message)
const quiet = { calls: 0, loud: new Set<string>() }
watchCalls(new Set([...brokers.map(broker => Number(broker.split(':')[1])), Number(new URL(redisUrl).port)]))

const sdk = new NodeSDK()
sdk.start()
const tracer = trace.getTracer('app')
const line = (message: string, fields: Readonly<Record<string, unknown>> = {}): unknown =>
  say({ event: 'logged', message, fields })
const logger: Logger = { debug: () => undefined, info: line, warn: line, error: line }

// As a service might: within a span of its own, which nothing that stays running may belong to.
const storage = await inSpan('start', () =>
  KafkaStorage.open({ namespace, brokers, redisUrl, partitions: 2, commitIntervalMs: 200 }),
)
const client = new Client({ storage })
let isMended = false
const worker = role === 'worker' ? await inSpan('start worker', startWorker) : undefined
process.on('message', order => void obey(order as TracedChildOrder))
say({ event: 'ready' })

async function startWorker(): Promise<Worker> {
  const started = new Worker({ storage, logger, workerId: 'w1', leaseMs: LEASE_MS, reaper: { intervalMs: 200 } })
  started.handle(story, async ({ fails }, ctx) => {
    ctx.log.info('running')
    await systemClock.sleep(LEASE_MS / 6) // so that the heartbeat has a lease to renew
    await ctx.heartbeat()
    if (!isMended && ctx.attempt <= fails) throw new TypeError(`order 4711 broke at attempt ${ctx.attempt}`)
    await inSpan('SELECT order', () => ctx.client.enqueue(note, { about: ctx.id }))
    return 'done'
  })
  started.handle(note, () => null)
  await started.start()
  return started
}

async function obey(order: TracedChildOrder): Promise<void> {
  switch (order.order) {
    case 'enqueue': {
      const { fails, maxAttempts } = order
      const handle = await inSpan('POST /checkout', () => client.enqueue(story, { fails }, { maxAttempts }))
      return void say({ event: 'enqueued', id: handle.id })
    }
    case 'redrive': {
      const { id } = await inSpan('POST /redrive', () => client.redrive(order.id, { reason: 'mended' }))
      return void say({ event: 'redriven', id })
    }
    case 'mend':
      isMended = true
      return void say({ event: 'mended' })
    case 'be loud':
      await inSpan('loud', () => storage.getResult({ id: 'nobody' }))
      return tellWatched()
    case 'stop':
      return stop()
  }
}

async function stop(): Promise<void> {
  await worker?.stop()
  tellWatched()
  await storage.close()
  await sdk.shutdown()
  say({ event: 'stopped' })
  process.disconnect()
}

function tellWatched(): void {
  say({ event: 'watched', quiet: quiet.calls, loud: [...quiet.loud] })
}

function inSpan<T>(name: string, call: () => Promise<T>): Promise<T> {
  return tracer.startActiveSpan(name, span => call().finally(() => span.end()))
}

/** Counts what is written to these ports with tracing suppressed, and notes from where it is not. */
function watchCalls(ports: ReadonlySet<number>): void {
  const isSuppressed = (): boolean => context.active().getValue(createContextKey(SUPPRESS_TRACING_KEY)) === true
  const watch = (socket: Socket): void => {
    if (!ports.has(socket.remotePort ?? 0)) return
    if (isSuppressed()) quiet.calls += 1
    else quiet.loud.add(whereFrom(new Error('written').stack))
  }
  const proto = Socket.prototype as { write: (...args: unknown[]) => boolean }
  const { write } = proto
  proto.write = function writeWatched(this: Socket, ...args) {
    watch(this)
    return Reflect.apply(write, this, args)
  }
}

function whereFrom(stack = ''): string {
  const current = trace.getSpan(context.active()) === undefined ? 'no span' : 'a span'
  const isRoot = context.active() === ROOT_CONTEXT ? 'the root' : 'no root'
  return `${current}, ${isRoot}: ${stack.split('\n').slice(3).join(' < ')}`
}
