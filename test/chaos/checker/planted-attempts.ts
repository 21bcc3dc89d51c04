// Ways in which keys, times, attempts and timelines are not as promised: I5 to I7, I13, I16.

import type { Planted, Spoilt } from './planting.ts'
import {
  addLine,
  addOutcome,
  dropRecords,
  isoAt,
  lineOf,
  monoAt,
  needed,
  outcomeOf,
  redisAt,
  setFields,
} from './planting.ts'

/** I5. */
export const KEYS: readonly Planted[] = [
  [
    'two activities that one key created',
    'I5',
    spoilt => {
      for (const id of ['plain-20', 'plain-30']) setKey(spoilt, id, 'return_existing')
    },
  ],
  [
    'two activities that one key created at once',
    'I5',
    spoilt => {
      for (const id of ['plain-20', 'plain-21']) setKey(spoilt, id, 'no_reuse')
      lineOf(spoilt, 'plain-20', 'enqueue', 'answer').mono = monoAt(11_000)
    },
  ],
  [
    'a key that was reused although its activity had not failed',
    'I5',
    spoilt => {
      for (const id of ['plain-20', 'plain-30']) setKey(spoilt, id, 'allow_reuse_on_failure')
    },
  ],
  [
    'an answer that names an activity which never had the key',
    'I5',
    spoilt => (lineOf(spoilt, 'k1-again', 'enqueue', 'answer').existingId = 'plain-0'),
  ],
  [
    'an answer that names an activity which was replaced',
    'I5',
    spoilt => (lineOf(spoilt, 'k1-last', 'enqueue', 'answer').existingId = 'k1-first'),
  ],
]

function setKey(
  spoilt: Spoilt,
  id: string,
  onDuplicate: 'return_existing' | 'no_reuse' | 'allow_reuse_on_failure',
): void {
  const line = lineOf(spoilt, id, 'enqueue', 'invoke')
  line.type = 'alpha'
  line.key = 'k9'
  line.onDuplicate = onDuplicate
}

/** I6, I7, I13 and I16. */
export const ATTEMPTS: readonly Planted[] = [
  [
    'a scheduled activity that started a millisecond early',
    'I6',
    spoilt => (lineOf(spoilt, 'later', 'claim', 'answer').startedAtMs = redisAt(6_999)),
  ],
  [
    'a retry that started a millisecond early',
    'I6',
    spoilt => (lineOf(spoilt, 'flaky', 'claim', 'answer', 1).startedAtMs = redisAt(1_249)),
  ],
  ['an attempt more than allowed', 'I7', spoilt => (lineOf(spoilt, 'flaky', 'enqueue', 'invoke').maxAttempts = 1)],
  [
    'a dead letter before the last attempt',
    'I7',
    spoilt => (lineOf(spoilt, 'doomed', 'enqueue', 'invoke').maxAttempts = 3),
  ],
  [
    'a retry that is due a millisecond too late',
    'I7',
    spoilt => setFields(outcomeOf(spoilt, 'flaky'), { next_attempt_at: isoAt(1_251) }),
  ],
  ['a failure that was not counted', 'I7', spoilt => setFields(outcomeOf(spoilt, 'flaky'), { retry_count: 0 })],
  [
    'an attempt that started twice for no reason',
    'I7',
    spoilt => {
      needed(
        spoilt.faults.find(({ fault }) => fault === 'worker.term'),
        'fault',
      ).target = 'worker-2'
      lineOf(spoilt, 'closed', 'claim', 'answer').deadlineMs = redisAt(27_000)
    },
  ],
  ['a gap in a timeline', 'I13', spoilt => dropRecords(spoilt, [outcomeOf(spoilt, 'flaky')])],
  [
    'an attempt that ended twice',
    'I13',
    spoilt => {
      addOutcome(spoilt, 'flaky', { lease_id: 'other', ended_at: isoAt(1_055), next_attempt_at: isoAt(1_255) })
    },
  ],
  [
    'an attempt that ended after the activity had',
    'I13',
    spoilt => {
      const times = { ended_at: isoAt(6_000), next_attempt_at: isoAt(6_400) }
      addOutcome(spoilt, 'plain-11', { attempt: 2, outcome: 'retrying', retry_count: 2, lease_id: 'other', ...times })
    },
  ],
  [
    'a start before the creation',
    'I13',
    spoilt => setFields(outcomeOf(spoilt, 'plain-9'), { created_at: isoAt(3_600_000) }),
  ],
  [
    'an attempt that started before the one before it had ended',
    'I13',
    spoilt => setFields(outcomeOf(spoilt, 'orphan', 2), { started_at: isoAt(11_650) }),
  ],
  [
    'a lease after the end',
    'I16',
    spoilt => {
      const { seq: _, mono: __, ...claim } = lineOf(spoilt, 'plain-13', 'claim', 'answer')
      const startedAtMs = redisAt(8_000)
      addLine(spoilt, 8_001, {
        ...claim,
        attempt: 2,
        leaseId: 'other',
        proc: 'extra-1',
        startedAtMs,
        deadlineMs: redisAt(10_000),
      })
    },
  ],
  [
    'a cancelled activity that completed',
    'I16',
    spoilt => {
      addLine(spoilt, 51_000, { op: 'cancel', phase: 'answer', id: 'plain-102', outcome: 'cancelled' })
    },
  ],
]
