// Bulk work on real servers: killed, cancelled, and over what is waiting.

import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineActivity } from '../../src/client/define-activity.ts'
import { systemClock, withDeadline } from '../../src/core/clock.ts'
import { ErrandError } from '../../src/core/errors.ts'
import { laneTopic } from '../../src/core/topics.ts'
import { groupDeadLetters } from '../../src/operations/dead-letter-groups.ts'
import { handleOperations } from '../../src/operations/operation-worker.ts'
import { previewOperation } from '../../src/operations/preview-operation.ts'
import { startOperation } from '../../src/operations/start-operation.ts'
import type { OperationView } from '../../src/operations/watch-operation.ts'
import { watchOperation } from '../../src/operations/watch-operation.ts'
import { decodeActivity } from '../../src/wire/activity-record.ts'
import { Worker } from '../../src/worker/worker.ts'
import { makeDeadLetters } from '../support/dead-letters.ts'
import { ObservedNamespace } from '../support/observed-namespace.ts'
import type { OperationChildConfig } from '../support/operation-child.ts'
import { kafkaBrokers, redisUrl } from '../support/stack.ts'

const CHILD = fileURLToPath(new URL('../support/operation-child.ts', import.meta.url))
const PARTITIONS = 2
const WAIT_MS_MAX = 60_000
const REDRIVE_MAIL = { kind: 'redrive', filter: { type: 'mail' } } as const

test('500 dead letters are redriven, each once, by two processes of which the first is killed midway', async () => {
  await using observed = await ObservedNamespace.open({ types: ['mail'], partitions: PARTITIONS })
  const { storage } = observed
  const dead = await makeDeadLetters(storage, { type: 'mail', count: 500 })
  const others = await makeDeadLetters(storage, { type: 'sms', count: 5 })
  expect(await previewOperation({ storage, spec: REDRIVE_MAIL })).toMatchObject({ count: 500, isExact: true })
  expect(await groupDeadLetters(storage)).toMatchObject({
    groups: [{ count: 505, types: ['mail', 'sms'] }],
    isComplete: true,
  })
  const startedMs = systemClock.monotonicMs()
  const { id } = await startOperation({ storage, spec: { ...REDRIVE_MAIL, ratePerSecond: 100, expected: 500 } })
  let midway: OperationView
  {
    await using first = await OperationProcess.start(observed, 'first')
    midway = await viewWhere(observed, id, ({ done }) => done >= 100)
    await first.end('SIGKILL')
  }
  await using second = await OperationProcess.start(observed, 'second')
  const end = await viewWhere(observed, id, ({ state }) => state === 'completed')
  await second.end('SIGTERM')
  const tookMs = systemClock.monotonicMs() - startedMs
  console.log(`killed at ${midway.done} of 500; all redriven after ${tookMs.toFixed(0)} ms`)
  expect(midway).toMatchObject({ state: 'running', worker: 'first' })
  expect(end).toMatchObject({ found: 500, done: 500, already: 0, failed: 0, left: 0, worker: 'second' })
  expect(tookMs).toBeGreaterThan(4_900) // at 100 a second
  const redriven = await redrivesOf(observed)
  expect(new Set(redriven.values())).toEqual(new Set(dead))
  expect(redriven.size).toBe(500)
  expect(await storage.getActivity({ id: others[0] ?? '' })).toMatchObject({ redrivenAs: null })
  expect(await previewOperation({ storage, spec: REDRIVE_MAIL })).toMatchObject({ count: 0, already: 500 })
})

test('a redrive that is cancelled midway stops, says how far it came, and what it redrove stays', async () => {
  await using observed = await ObservedNamespace.open({ types: ['mail'], partitions: PARTITIONS })
  const { storage } = observed
  await makeDeadLetters(storage, { type: 'mail', count: 200 })
  const worker = new Worker({ storage, leaseMs: 2_000, reaper: { intervalMs: 200 } })
  handleOperations(worker, { storage })
  await worker.start()
  try {
    const { id } = await startOperation({ storage, spec: { ...REDRIVE_MAIL, ratePerSecond: 20 } })
    await viewWhere(observed, id, ({ done }) => done >= 20)
    await storage.cancel({ id, reason: 'the route is down again' })
    const end = await viewWhere(observed, id, ({ state }) => state === 'cancelled')
    expect(end).toMatchObject({ failed: 0, left: end.found - end.done })
    expect(end.done).toBeLessThan(150)
    expect((await redrivesOf(observed)).size).toBe(end.done)
    expect(await storage.getActivity({ id })).toMatchObject({ status: 'cancelled' })
  } finally {
    await worker.stop()
  }
})

test('what waits and what is scheduled is cancelled to the last one, while the lists move up', async () => {
  await using observed = await ObservedNamespace.open({ types: ['mail', 'sms'], partitions: PARTITIONS })
  const { storage } = observed
  const waiting = await makeWaiting(observed, 'mail', 250, {})
  const scheduled = await makeWaiting(observed, 'mail', 450, { delayMs: 3_600_000 })
  const kept = await makeWaiting(observed, 'sms', 3, {})
  const worker = new Worker({ storage, reaper: { intervalMs: 200 } })
  handleOperations(worker, { storage })
  await worker.start()
  try {
    const spec = { kind: 'cancel', filter: { type: 'mail' }, ratePerSecond: 1_000, reason: 'a wrong batch' } as const
    const { id } = await startOperation({ storage, spec })
    const end = await viewWhere(observed, id, ({ state }) => state === 'completed')
    expect(end).toMatchObject({ found: 700, done: 700, already: 0, failed: 0 })
  } finally {
    await worker.stop()
  }
  const ends = await observed.ended([...waiting, ...scheduled])
  const mails = [...waiting, ...scheduled].map(each => ends.get(each))
  expect(new Set(mails.map(end => `${end?.outcome}: ${end?.error?.message}`))).toEqual(
    new Set(['cancelled: a wrong batch']),
  )
  for (const each of kept) expect(await storage.getActivity({ id: each })).toMatchObject({ status: 'pending' })
})

async function makeWaiting(
  { client }: ObservedNamespace,
  type: string,
  count: number,
  options: { readonly delayMs?: number },
): Promise<string[]> {
  const answers = await client.enqueueMany(
    defineActivity({ type, input: z.object({ n: z.number() }) }),
    Array.from({ length: count }, (_, n) => ({ input: { n }, options })),
  )
  return answers.map(answer => {
    if (answer.outcome === 'created') return answer.handle.id
    throw new ErrandError('internal', `an enqueue was answered ${answer.outcome}`)
  })
}

/** A process that serves operations. */
class OperationProcess implements AsyncDisposable {
  readonly #child: ChildProcess

  /** Resolves once it serves. */
  static async start({ namespace }: ObservedNamespace, name: string): Promise<OperationProcess> {
    const config: OperationChildConfig = {
      ...{ namespace, brokers: kafkaBrokers(), redisUrl: redisUrl(), partitions: PARTITIONS, name },
    }
    const child = spawn(process.execPath, [CHILD, JSON.stringify(config)], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    const late = (): Error => new ErrandError('timeout', `the process '${name}' is not ready`)
    await withDeadline(systemClock, once(child, 'message'), WAIT_MS_MAX, late)
    return new OperationProcess(child)
  }

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.kill(signal)
    await exited
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end('SIGKILL')
  }
}

/** The first view of the operation for which this holds. */
async function viewWhere(
  { storage }: ObservedNamespace,
  id: string,
  holds: (view: OperationView) => boolean,
): Promise<OperationView> {
  const signal = AbortSignal.timeout(WAIT_MS_MAX)
  let last: OperationView | undefined
  for await (const view of watchOperation({ storage, id, signal, intervalMs: 50 })) {
    if (holds(view)) return view
    last = view
  }
  throw new ErrandError('timeout', `the operation came only so far: ${JSON.stringify(last)}`)
}

/** Whom each redriven activity of the lane names. A copy of a record counts once. */
async function redrivesOf(observed: ObservedNamespace): Promise<Map<string, string>> {
  const records = await observed.records(laneTopic(observed.namespace, 'mail', 'normal'))
  const activities = records.map(({ value }) => decodeActivity(value))
  return new Map(activities.flatMap(({ id, redriveOf }) => (redriveOf === null ? [] : [[id, redriveOf] as const])))
}
