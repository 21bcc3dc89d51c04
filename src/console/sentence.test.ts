import { expect, test } from 'vitest'
import type { ActivitySnapshot } from '../storage/storage.ts'
import { sentenceOf } from './sentence.ts'

const NOW_MS = 10_000_000
const activity: ActivitySnapshot = {
  ...{
    id: 'a',
    type: 'mail',
    status: 'pending',
    priority: 'normal',
    attempt: 1,
    maxAttempts: 5,
    createdAtMs: NOW_MS - 3_000,
  },
  ...{ scheduledAtMs: null, startedAtMs: null, endedAtMs: null, worker: null, error: null, payloadJson: 'null' },
  ...{ metadata: {}, key: null, retryCount: 0, timeoutMs: 1, currentWorker: null, lastWorker: null, lastError: null },
  ...{
    leaseDeadlineMs: null,
    cancelRequested: false,
    parentId: null,
    redriveOf: null,
    redrivenAs: null,
    discarded: null,
  },
  ...{ traceparent: null, coordinates: null },
}
const refused = { name: 'Error', message: 'connect refused', code: 'ECONNREFUSED' }

test.each<[Partial<ActivitySnapshot>, string]>([
  [{}, 'waits in its lane for attempt 1 of 5, enqueued 3 s ago'],
  [
    { status: 'scheduled', attempt: 3, scheduledAtMs: NOW_MS + 40_000, lastError: refused },
    'waits for attempt 3 of 5, due in 40 s, after ECONNREFUSED',
  ],
  [
    { status: 'scheduled', scheduledAtMs: NOW_MS - 90_000 },
    'waits for attempt 1 of 5, due for 90 s: a reaper makes it ready',
  ],
  [{ status: 'scheduled' }, 'waits for attempt 1 of 5, due at a time that is not known'],
  [
    { status: 'running', currentWorker: 'pod-1', startedAtMs: NOW_MS - 180_000, leaseDeadlineMs: NOW_MS + 1 },
    'runs attempt 1 of 5 on pod-1 for 3 min',
  ],
  [
    { status: 'running', startedAtMs: NOW_MS - 500, leaseDeadlineMs: NOW_MS, cancelRequested: true },
    'runs attempt 1 of 5 for 500 ms; its lease has run out, and a reaper takes it back; it was asked to end',
  ],
  [
    { status: 'completed', maxAttempts: 'unlimited', startedAtMs: NOW_MS - 9_000, endedAtMs: NOW_MS - 7_500_000 },
    'completed on attempt 1 2 h ago, after 0 ms of work',
  ],
  [
    { status: 'failed', endedAtMs: NOW_MS - 200_000_000, lastError: { name: 'TypeError', message: 'x' } },
    'failed for good on attempt 1 2 d ago, after TypeError',
  ],
  [
    { status: 'dead_letter', attempt: 5, endedAtMs: NOW_MS - 1, lastError: { name: 'Error', message: 'y'.repeat(99) } },
    `is a dead letter: its attempts were exhausted just now (5 of 5), after ${'y'.repeat(60)}…`,
  ],
  [{ status: 'cancelled', endedAtMs: NOW_MS + 5_000 }, 'was cancelled just now'],
])('%j', (facts, sentence) => {
  expect(sentenceOf({ ...activity, ...facts }, NOW_MS)).toBe(sentence)
})
