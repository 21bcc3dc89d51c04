// What the pages expect is what the server promises: a value of each type, complete by the compiler's word, passes the server's schema,
// which takes neither more nor less.

import { expect, test } from 'vitest'
import type { z } from 'zod'
import {
  activitySchema,
  doctorSchema,
  groupsSchema,
  lanesSchema,
  lookupSchema,
  operationsSchema,
  previewSchema,
  searchSchema,
  seriesSchema,
  sessionSchema,
  startedSchema,
  topicsSchema,
  workersSchema,
} from '../schemas.ts'
import type {
  ActivitySummary,
  ActivityView,
  DeadLetterGroups,
  DoctorView,
  LaneFigures,
  LanesView,
  LookupView,
  OperationPreview,
  OperationsView,
  SearchPage,
  Series,
  SessionView,
  StartedView,
  TopicsPage,
  WorkersView,
} from './api-types.ts'

const error = { name: 'Error', message: 'no', stack: 'Error: no', code: 'E', cause: { name: 'Error', message: 'why' } }
const summary: ActivitySummary = {
  ...{ id: '1', type: 'a', status: 'dead_letter', priority: 'normal', attempt: 1, maxAttempts: 'unlimited' },
  ...{ createdAtMs: 1, scheduledAtMs: 1, startedAtMs: 1, endedAtMs: 1, worker: 'w', error },
}
const lane: LaneFigures = {
  ...{ type: 'a', priority: 'low', pending: 1, oldestPendingAtMs: 1, running: 1, scheduled: 1 },
  ...{ deadLetters: 1, finishedAhead: 1, frontierStuckMs: 1, consumers: 1 },
}
const activity: ActivityView = {
  ...summary,
  ...{ payload: { any: 1 }, isRedacted: false, metadata: { a: 'b' }, key: 'k', retryCount: 1, timeoutMs: 1 },
  ...{ currentWorker: 'w', lastWorker: 'w', lastError: error, leaseDeadlineMs: 1, cancelRequested: false },
  discarded: { atMs: 1, reason: 'r' },
  ...{ parentId: '2', redriveOf: '3', redrivenAs: '4', editedFrom: '5', editedAs: '6', traceId: 't', traceUrl: 'u' },
  ...{
    coordinates: { topic: 't', partition: 0, offset: '9007199254740993' },
    fingerprint: 'f',
    sentence: 's',
    nowMs: 1,
  },
  result: { state: 'ok', data: 1, atMs: 1, isRedacted: false },
}
const session: SessionView = {
  ...{ role: 'act', needsToken: true, isReadOnly: false, environment: { name: 'dev', color: null }, namespace: 'n' },
  ...{ version: 'v', traceUrl: 'u', redacts: false, canDiagnose: true, nowMs: 1 },
}
const lanes: LanesView = { lanes: [lane], asOfMs: 1, trouble: null }
const series: Series = {
  ...{ bucketMs: 60_000, sinceMs: 1 },
  series: [
    {
      type: 'a',
      buckets: [
        {
          ...{ atMs: 1, enqueued: 1, completed: 1, failed: 1, deadLetter: 1, cancelled: 1, retrying: 1 },
          ...{ leaseExpired: 1, pending: 1, running: 1, scheduled: 1, oldestPendingAgeMs: 1 },
          ...{ hasGap: false, isPartial: true },
        },
      ],
    },
  ],
}
const search: SearchPage = { items: [summary], cursor: 'c', lookedAt: 1, fromMs: 1, toMs: 1, isComplete: false }
const lookup: LookupView = { id: '1', by: 'key', type: 'a', hits: [{ id: '1', type: 'a' }] }
const groups: DeadLetterGroups = {
  groups: [
    {
      ...{ fingerprint: 'f', count: 1, redriven: 0, types: ['a'], firstFailedAtMs: 1, lastFailedAtMs: 1 },
      ...{ error, sampleIds: ['1'] },
    },
  ],
  ...{ lookedAt: 1, isComplete: true },
}
const operations: OperationsView = {
  operations: [
    {
      ...{ id: '1', state: 'running', found: 1, done: 1, already: 0, failed: 1, left: 1, perSecond: 1.5 },
      failures: [{ id: '2', code: 'c', message: 'm', atMs: 1 }],
      head: {
        ...{ kind: 'redrive', max: 1, ratePerSecond: 1, reason: 'r', requestedBy: 'b', expected: 1 },
        filter: { type: 'a', fingerprint: 'f', statuses: ['failed'], ids: 1, afterMs: 1, beforeMs: 1 },
      },
      ...{ requestedAtMs: 1, startedAtMs: 1, updatedAtMs: 1, endedAtMs: 1, worker: 'w', error: 'e' },
    },
  ],
  servedBy: 1,
}
const preview: OperationPreview = {
  ...{ count: 1, isExact: true, already: 0, lookedAt: 1 },
  samples: [{ id: '1', type: 'a', status: 'failed', atMs: 1, error, isAlready: false }],
}
const workers: WorkersView = {
  workers: [
    {
      ...{ worker: 'w', running: 1, types: { a: 1 } },
      items: [{ id: '1', type: 'a', attempt: 1, priority: 'low', startedAtMs: 1, leaseDeadlineMs: 1 }],
    },
  ],
  types: [{ type: 'a', members: 1, running: 1, pending: 1 }],
  isComplete: true,
}
const topics: TopicsPage = {
  lanes: [lane],
  topics: [
    {
      ...{ topic: 't', role: 'lane', type: 'a', isThere: true, settings: { a: 'b' }, wanted: { a: 'b' } },
      partitions: [
        {
          ...{ partition: 0, leader: 1, replicas: 1, inSync: 1, low: 0, high: 1, frontier: 0, lag: 1 },
          ...{ finishedAhead: 0, standsStill: false },
        },
      ],
    },
  ],
  groups: [{ groupId: 'g', type: 'a', state: 's', members: 1, isStuck: false }],
  ...{ isKnown: true, asOfMs: 1, trouble: null },
}
const doctor: DoctorView = {
  ...{ isAvailable: true, asOfMs: 1, trouble: null },
  findings: [{ id: 'x', severity: 'error', source: 'kafka', subject: 's', says: 't', fix: 'f' }],
  notChecked: [{ what: 'a', why: 'b' }],
}
const started: StartedView = { id: '1', outcome: 'created', servedBy: 0 }

const CASES: readonly (readonly [name: string, schema: z.ZodType, value: unknown])[] = [
  ['session', sessionSchema, session],
  ['lanes', lanesSchema, lanes],
  ['series', seriesSchema, series],
  ['activity', activitySchema, activity],
  ['search', searchSchema, search],
  ['lookup', lookupSchema, lookup],
  ['groups', groupsSchema, groups],
  ['operations', operationsSchema, operations],
  ['preview', previewSchema, preview],
  ['workers', workersSchema, workers],
  ['topics', topicsSchema, topics],
  ['doctor', doctorSchema, doctor],
  ['started', startedSchema, started],
]

test.each(CASES)('%s', (_, schema, value) => {
  expect(schema.safeParse(value).error?.message).toBe(undefined)
})
