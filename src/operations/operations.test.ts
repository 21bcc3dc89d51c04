// Operations from their start to their end, by a worker, on memory.

import { expect, test } from 'vitest'
import { OperationGround, each } from '../../test/support/operation-setup.ts'
import { Worker } from '../worker/worker.ts'
import type { OperationSpec } from './operation.ts'
import { OPERATION_TYPE } from './operation.ts'
import { handleOperations } from './operation-worker.ts'
import { previewOperation } from './preview-operation.ts'
import { startOperation } from './start-operation.ts'
import type { OperationView } from './watch-operation.ts'
import { listOperations, readOperation, watchOperation } from './watch-operation.ts'

const SPEC: OperationSpec = {
  kind: 'redrive',
  filter: { type: 'mail' },
  ratePerSecond: 100,
  requestedBy: 'ann',
  reason: 'mended',
}

/** A worker that serves operations; time is moved while something is waited for. */
async function serving(ground: OperationGround): Promise<Worker & AsyncDisposable> {
  const { clock, memory: storage } = ground
  const worker = new Worker({ storage, clock, workerId: 'server', reaper: { intervalMs: 100 } })
  handleOperations(worker, { storage, clock })
  await worker.start()
  return worker
}

async function stop(ground: OperationGround, worker: Worker): Promise<void> {
  await ground.until(worker.stop({ graceMs: 1_000 }))
}

async function watched(ground: OperationGround, id: string): Promise<OperationView[]> {
  const views: OperationView[] = []
  const watching = (async () => {
    const { memory: storage, clock } = ground
    const { signal } = new AbortController()
    for await (const view of watchOperation({ storage, clock, id, signal, intervalMs: 100 })) views.push(view)
  })()
  await ground.until(watching)
  return views
}

test('an operation that was started is performed by a worker, and watched to its end', async () => {
  await using ground = new OperationGround()
  const { memory: storage, clock } = ground
  const mails = await ground.dead(50)
  const { count } = await previewOperation({ storage, spec: SPEC })
  const { id, outcome } = await startOperation({ storage, clock, spec: { ...SPEC, expected: count } })
  expect(outcome).toBe('created')
  expect(await readOperation(storage, id)).toMatchObject({ state: 'queued', left: 50, worker: null, startedAtMs: null })
  await ground.dead(1) // after the start: not its business
  const worker = await serving(ground)
  const views = await watched(ground, id)
  await stop(ground, worker)
  const last = views.at(-1)
  expect(last).toMatchObject({
    ...{ state: 'completed', found: 50, done: 50, already: 0, failed: 0, left: 0, worker: 'server', error: null },
    head: { kind: 'redrive', requestedBy: 'ann', reason: 'mended', filter: { type: 'mail' } },
  })
  expect(last?.endedAtMs).toBeGreaterThan(last?.startedAtMs ?? Number.POSITIVE_INFINITY)
  expect(new Set(views.map(({ state }) => state))).toEqual(new Set(['running', 'completed']))
  expect(views.every(({ done, left }) => left === 50 - done)).toBe(true)
  expect(await ground.redrives(mails)).toEqual(each(mails, 1))
  const result = await storage.getResult({ id })
  expect(JSON.parse(result?.dataJson ?? '')).toEqual({ found: 50, done: 50, already: 0, failed: 0, failures: [] })
  expect(await listOperations(storage, { limit: 10 })).toMatchObject([{ id, state: 'completed' }])
})

test('asked for again under the same request, nothing new is started', async () => {
  await using ground = new OperationGround()
  const { memory: storage, clock } = ground
  await ground.dead(1)
  const first = await startOperation({ storage, clock, spec: SPEC, requestId: 'click-1' })
  const second = await startOperation({ storage, clock, spec: SPEC, requestId: 'click-1' })
  expect(second).toEqual({ id: first.id, outcome: 'existing' })
  expect((await storage.stats()).byType[OPERATION_TYPE]).toMatchObject({ pending: 1 })
})

test('cancelled while it runs it stops, and what was redriven stays', async () => {
  await using ground = new OperationGround()
  const { memory: storage, clock } = ground
  const mails = await ground.dead(300)
  const { id } = await startOperation({ storage, clock, spec: { ...SPEC, ratePerSecond: 5 } })
  const worker = await serving(ground)
  await clock.advance(3_000)
  await storage.cancel({ id, reason: 'enough' })
  expect(await readOperation(storage, id)).toMatchObject({ state: 'cancelling' })
  const last = (await watched(ground, id)).at(-1)
  await stop(ground, worker)
  // Not shown as if all were done: of a page of 200 most were still to come.
  expect(last).toMatchObject({ state: 'cancelled', found: 200, left: 200 - (last?.done ?? 0), failed: 0 })
  expect(Object.values(await ground.redrives(mails)).filter(count => count > 0)).toHaveLength(last?.done ?? -1)
  expect(last?.done).toBeLessThan(60)
})

test('cancelled before anybody took it up it is over', async () => {
  await using ground = new OperationGround()
  const { memory: storage, clock } = ground
  const mails = await ground.dead(3)
  const { id } = await startOperation({ storage, clock, spec: SPEC })
  await storage.cancel({ id })
  expect(await watched(ground, id)).toMatchObject([{ state: 'cancelled', done: 0 }])
  expect(await ground.redrives(mails)).toEqual(each(mails, 0))
})

test('whose worker stops goes on with another', async () => {
  await using ground = new OperationGround()
  const { memory: storage, clock } = ground
  const mails = await ground.dead(100)
  const { id } = await startOperation({ storage, clock, spec: { ...SPEC, ratePerSecond: 20 } })
  const leaving = await serving(ground)
  await clock.advance(2_000)
  await stop(ground, leaving)
  expect(await readOperation(storage, id)).toMatchObject({ state: 'waiting' })
  const staying = await serving(ground)
  expect((await watched(ground, id)).at(-1)).toMatchObject({ state: 'completed', found: 100, done: 100, already: 0 })
  await stop(ground, staying)
  expect(await ground.redrives(mails)).toEqual(each(mails, 1))
})

test('a preview counts exactly as far as it may look, gives three samples, and changes nothing', async () => {
  await using ground = new OperationGround()
  const { memory: storage } = ground
  const mails = await ground.dead(10)
  await storage.redrive({ id: mails[9] ?? '' })
  const preview = await previewOperation({ storage, spec: SPEC })
  expect(preview).toMatchObject({ count: 9, isExact: true, already: 1, lookedAt: 10 })
  expect(preview.samples.map(({ id }) => id)).toEqual(mails.slice(6, 9).reverse())
  expect(await previewOperation({ storage, spec: { ...SPEC, max: 2 } })).toMatchObject({ count: 2, isExact: true })
  expect(await ground.redrives(mails.slice(0, 9))).toEqual({ ...each(mails.slice(0, 9), 0), [mails[9] ?? '']: 1 })
  await ground.dead(400, { type: 'sms' })
  const many = { ...SPEC, filter: { type: 'sms' } }
  expect(await previewOperation({ storage, spec: many, limit: 100 })).toMatchObject({ count: 200, isExact: false })
  await storage.discard({ id: mails[8] ?? '' })
  const discard = { ...SPEC, kind: 'discard' } as const
  expect(await previewOperation({ storage, spec: discard })).toMatchObject({ count: 8, already: 1 })
  const discardNamed = { kind: 'discard', filter: { ids: mails.slice(7) } } as const
  expect(await previewOperation({ storage, spec: discardNamed })).toMatchObject({ count: 1, already: 2 })
  const named = { kind: 'redrive', filter: { ids: ['unknown', mails[0] ?? ''] } } as const
  expect(await previewOperation({ storage, spec: named })).toMatchObject({ count: 2, samples: [{ type: null }, {}] })
})

test('of an id that is no operation none is found', async () => {
  await using ground = new OperationGround()
  const [id = ''] = await ground.dead(1)
  for (const one of [id, 'unknown']) {
    await expect(readOperation(ground.memory, one)).rejects.toMatchObject({ code: 'not_found' })
  }
})

test('whose progress is gone is shown as it was asked for', async () => {
  await using ground = new OperationGround()
  const { memory: storage, clock } = ground
  const { id } = await startOperation({ storage, clock, spec: SPEC })
  await storage.operations.save({ id, progressJson: 'lost' })
  expect(await readOperation(storage, id)).toMatchObject({
    id,
    state: 'queued',
    head: { requestedBy: 'ann' },
    left: null,
  })
})
