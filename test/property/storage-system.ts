// A real storage beside its model: which handles it has, how patient one must be with it, and what is compared.

import assert from 'node:assert/strict'
import type { Activity, AttemptFailureReport, StoredResult } from '../../src/core/activity.ts'
import { STATUSES } from '../../src/core/activity.ts'
import type { ActivitySpec } from '../../src/core/new-activity.ts'
import type { LeaseRef, Storage } from '../../src/storage/storage.ts'
import type { Expected, Modelled } from './modelled.ts'
import { PAST } from './modelled.ts'
import type { StorageModel } from './storage-model.ts'

/** A settlement as it was asked for. */
export type Settlement = { readonly ref: LeaseRef } & (
  | { readonly json: string | null }
  | { readonly failure: AttemptFailureReport }
)

/** What a run works on. Nobody else has used its types. */
export interface System {
  readonly storages: readonly [Storage, ...Storage[]]
  readonly types: readonly [string, ...string[]]
  /** False: others work in the namespace too, and what is only looked at may come a little later. */
  readonly isExact: boolean
  /** How far apart this clock and the storage's may be. */
  readonly slackMs: number
  /** The accepted ones, oldest first: what a lost reply would have somebody ask again. */
  readonly settlements: Settlement[]
  nowMs(): number
  advance(ms: number): Promise<void>
  newActivity(spec: ActivitySpec): Activity
  /** Repeats what may come a little later; calls once where nothing does. */
  eventually<T>(attempt: () => Promise<T>): Promise<T>
  /** True once an activity that was there already was accepted again: its second record waits until it is seen. */
  isSentTwice: boolean
}

/** Compares after a command: everything where looking is exact, else the activities that the command touched. */
export async function compare(model: StorageModel, system: System): Promise<void> {
  const ids = system.isExact ? [...model.activities.keys()] : [...model.touched]
  model.touched.clear()
  for (const id of ids) {
    const one = model.activities.get(id)
    if (one !== undefined) await compareOne(one, system)
  }
  if (system.isExact) await compareStats(model, system)
}

async function compareOne(one: Modelled, system: System): Promise<void> {
  const [storage] = system.storages
  const { id } = one.sent
  compareResults(id, await storage.getResult({ id }), one.result)
  await system.eventually(async () => {
    const seen = await storage.getActivity({ id })
    assert.ok(seen !== null, `${id} is shown`)
    const { status, attempt, retryCount, currentWorker, lastWorker, key, redriveOf, redrivenAs } = seen
    assert.deepEqual(
      { status, attempt, retryCount, currentWorker, lastWorker, key, redriveOf, redrivenAs },
      {
        status: one.status,
        attempt: one.retryCount + 1,
        retryCount: one.retryCount,
        currentWorker: one.lease?.worker ?? null,
        lastWorker: one.lastWorker,
        key: one.sent.key?.key ?? null,
        redriveOf: one.sent.redriveOf,
        redrivenAs: one.redrivenAs,
      },
      `how ${id} is shown`,
    )
    if (one.status === 'running') {
      assert.equal(seen.cancelRequested, one.cancel !== null, `cancelRequested of ${id}`)
      // Where the fixture has put a deadline in the past, it does not say how far.
      if (one.lease?.deadlineMs !== PAST) {
        assert.equal(seen.leaseDeadlineMs, one.lease?.deadlineMs, `deadline of ${id}`)
      }
    }
  })
}

function compareResults(id: string, result: StoredResult | null, expected: Expected | null): void {
  if (result === null || expected === null) return assert.equal(result, expected, `result of ${id}`)
  assert.equal(result.state, expected.state, `state of the result of ${id}`)
  if (expected.state === 'ok') return assert.equal(result.dataJson, expected.json, `result of ${id}`)
  const { error, type, attempts } = JSON.parse(result.dataJson) as Record<string, unknown>
  const { type: expectedType, attempts: expectedAttempts } = expected
  assert.deepEqual(
    { error, type, attempts },
    { error: expected.error ?? error, type: expectedType, attempts: expectedAttempts },
    `error result of ${id}`,
  )
}

/** Counts by status: in all where nobody else is, and by type; pending ones only where none was sent twice. */
export async function compareStats(model: StorageModel, system: System): Promise<void> {
  await system.eventually(async () => {
    const stats = await system.storages[0].stats()
    const all = [...model.activities.values()]
    const scopes = [
      ...system.types.map(type => ({ in: all.filter(one => one.sent.type === type), counts: stats.byType[type] })),
      ...(system.isExact ? [{ in: all, counts: stats }] : []),
      ...(system.isExact
        ? (['high', 'low'] as const).map(priority => ({
            in: all.filter(one => one.sent.priority === priority),
            counts: stats.byPriority[priority],
          }))
        : []),
    ]
    for (const scope of scopes) {
      for (const status of STATUSES) {
        if (status === 'pending' && system.isSentTwice) continue
        const count = scope.in.filter(one => one.status === status).length
        assert.equal(scope.counts?.[status], count, `number of ${status} activities`)
      }
    }
  })
}
