// What is written down of each call, and when: on memory, because the words are the same on every storage.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Activity } from '../../../src/core/activity.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { ErrandError } from '../../../src/core/errors.ts'
import { newActivity } from '../../../src/core/new-activity.ts'
import { MemoryStorage } from '../../../src/storage/memory/index.ts'
import type { Storage } from '../../../src/storage/storage.ts'
import type { HistoryLine } from '../evidence.ts'
import { HistoryFile, historyPath, readLines } from './evidence-file.ts'
import { recorded, resultSha, sha } from './recording-storage.ts'

const PLAN = { kind: 'complete', ms: 0, failures: 0 } as const

let dir: string
let memory: MemoryStorage
let storage: Storage
let ids = 0

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'errand-recording-'))
  memory = await MemoryStorage.open()
  storage = recorded(memory, new HistoryFile(dir, 'p'))
  await storage.subscribe({ types: ['alpha'] })
})

afterEach(async () => {
  await memory.close()
  rmSync(dir, { recursive: true })
})

test('an enqueue is written with its plan and payload before it is made, and with its answer after', async () => {
  const [first, second, third] = [made('return_existing'), made('return_existing'), made('no_reuse')]
  await storage.enqueueMany({ activities: [first] })
  await storage.enqueueMany({ activities: [second, third] })
  const lines = history()
  expect(lines.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6])
  expect(lines[0]).toMatchObject({ id: first.id, phase: 'invoke', plan: PLAN, payloadSha: sha(first.payloadJson) })
  expect(lines.map(line => ('outcome' in line ? [line.outcome, 'existingId' in line && line.existingId] : 0))).toEqual([
    ...[0, ['created', null]],
    ...[0, 0, ['existing', first.id], ['refused', first.id]],
  ])
})

test('claims, settlements, renewals, releases and results are written with their leases', async () => {
  await storage.enqueueMany({ activities: [made(), made()] })
  const claims = await storage.dequeue({ workerId: 'w', timeoutMs: 1_000, limit: 2 })
  const [a, b] = claims.map(({ activity: { id }, leaseId }) => ({ id, leaseId }))
  if (a === undefined || b === undefined) throw new ErrandError('internal', 'nothing was claimed')
  await storage.extendLeases({ leases: [{ ...a, byMs: 60_000 }] })
  await storage.ackSuccess({ leases: [{ ...a, resultJson: '1' }] })
  await storage.ackFailure({ ...b, failure: { kind: 'retryable', error: { name: 'E', message: 'm' } } })
  await storage.releaseLease(b)
  const result = await storage.getResult({ id: a.id })
  await storage.getResult({ id: b.id })
  expect(history().slice(4)).toMatchObject([
    { op: 'claim', ...a, attempt: 1, type: 'alpha', dueAtMs: null },
    { op: 'claim', ...b },
    { op: 'renew', ...a, outcome: 'renewed', deadlineMs: expect.any(Number) },
    { op: 'settle', phase: 'invoke', ...a, want: 'success' },
    { op: 'settle', phase: 'answer', ...a, outcome: 'settled', retryAtMs: null },
    { op: 'settle', phase: 'invoke', ...b, want: 'retryable' },
    { op: 'settle', phase: 'answer', ...b, outcome: 'retrying', retryAtMs: expect.any(Number) },
    { op: 'release', ...b, outcome: 'lease_lost' },
    { op: 'result', id: a.id, outcome: 'value', sha: result === null ? '' : resultSha(result) },
    { op: 'result', id: b.id, outcome: 'none', sha: null },
  ])
})

test('a refusal is written as what it is', async () => {
  const activity = made()
  await storage.enqueueMany({ activities: [activity] })
  await expect(storage.cancel({ id: 'nobody' })).rejects.toThrow('not_found')
  await expect(storage.redrive({ id: 'nobody' })).rejects.toThrow('not_found')
  await expect(storage.redrive({ id: activity.id })).rejects.toThrow('conflict')
  await storage.cancel({ id: activity.id })
  const answers = history().filter(({ phase }) => phase === 'answer')
  expect(answers.slice(1)).toMatchObject([
    { op: 'cancel', outcome: 'not_found' },
    { op: 'redrive', outcome: 'not_found' },
    { op: 'redrive', outcome: 'conflict' },
    { op: 'cancel', outcome: 'cancelled' },
  ])
})

test('a call that throws for any other reason is unknown', async () => {
  const away = new Proxy<Storage>(memory, {
    get: () => () => Promise.reject(new ErrandError('unavailable', 'it is away')),
  })
  const broken = recorded(away, new HistoryFile(dir, 'p'))
  const lease = { id: 'a', leaseId: 'l' }
  const failure = { kind: 'retryable', error: { name: 'E', message: 'm' } } as const
  const calls = [
    () => broken.enqueueMany({ activities: [made(), made()] }),
    () => broken.cancel({ id: 'a' }),
    () => broken.redrive({ id: 'a' }),
    () => broken.ackSuccess({ leases: [lease] }),
    () => broken.ackFailure({ ...lease, failure }),
    () => broken.extendLease({ ...lease, byMs: 1_000 }),
    () => broken.extendLeases({ leases: [{ ...lease, byMs: 1_000 }] }),
    () => broken.releaseLease(lease),
    () => broken.getResult({ id: 'a' }),
  ]
  for (const call of calls) await expect(call()).rejects.toThrow('unavailable')
  const answers = history().filter(({ phase }) => phase === 'answer')
  expect(answers.map(line => [line.op, 'outcome' in line && line.outcome])).toEqual(
    ['enqueue', 'enqueue', 'cancel', 'redrive', 'settle', 'settle', 'renew', 'renew', 'release', 'result'].map(op => [
      op,
      'unknown',
    ]),
  )
})

function made(onDuplicate?: 'return_existing' | 'no_reuse'): Activity {
  const key = onDuplicate === undefined ? {} : { key: 'k', onDuplicate }
  const context = { ids: { next: () => `id-${(ids += 1)}` }, nowMs: systemClock.nowMs() }
  return newActivity({ type: 'alpha', payload: { plan: PLAN }, ...key }, context)
}

function history(): HistoryLine[] {
  return readLines<HistoryLine>(historyPath(dir, 'p'), false)
}
