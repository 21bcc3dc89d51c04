// Ways in which work is lost, ends twice, or is settled and leased as it must not be: I1 to I4, I11, I12.

import type { Planted } from './planting.ts'
import {
  addAccepted,
  addLedger,
  addLine,
  addOutcome,
  addRecord,
  dropRecords,
  isoAt,
  lineOf,
  linesOf,
  looksAtLaneOf,
  monoAt,
  needed,
  outcomeOf,
  redisAt,
  setFields,
} from './planting.ts'

/** I1 to I3. */
export const LOST: readonly Planted[] = [
  ['an accepted activity of which nothing is left', 'I1', spoilt => addAccepted(spoilt, 'lost', 50_000)],
  [
    'an activity that somebody else was told of, and of which nothing is left',
    'I1',
    spoilt => {
      dropRecords(spoilt, [outcomeOf(spoilt, 'unheard')])
      for (const line of linesOf(spoilt, 'unheard', 'settle', 'answer')) line.outcome = 'unknown'
      const told = { outcome: 'existing', existingId: 'unheard' } as const
      addLine(spoilt, 50_000, { op: 'enqueue', phase: 'answer', id: 'k1-again', ...told })
      spoilt.offsets = []
    },
  ],
  [
    'an end of what nobody enqueued',
    'I1',
    spoilt => {
      addOutcome(spoilt, 'refused', { id: 'stranger' })
      spoilt.redis.markers['stranger'] = { r: 'err|{}' }
    },
  ],
  [
    'an unfinished record although all is at rest',
    'I2',
    spoilt => {
      addAccepted(spoilt, 'left', 50_000)
      addRecord(spoilt, 'alpha.low', { key: 'left', value: JSON.stringify({ id: 'left', attempt: 1 }) })
    },
  ],
  [
    'a schedule without its tombstone of what has not ended, although all is at rest',
    'I2',
    spoilt => {
      addAccepted(spoilt, 'left', 50_000)
      addRecord(spoilt, 'delay', { key: 'left:1', value: JSON.stringify({ id: 'left', attempt: 1 }) })
    },
  ],
  [
    'a lane that was cut off above a record whose attempt still ran',
    'I2',
    spoilt => {
      const { offset, samples } = looksAtLaneOf(spoilt, 'orphan')
      const at = samples.findIndex(({ mono }) => mono === monoAt(10_000))
      // A commit that moved back: then nobody can say which commit allowed the cut.
      needed(samples[at - 1], 'look').committed = 0
      needed(samples[at], 'look').low = offset + 1
    },
  ],
  [
    'another end of another kind',
    'I3',
    spoilt => addOutcome(spoilt, 'plain-1', { outcome: 'failed', lease_id: 'other', ended_at: isoAt(900) }),
  ],
  [
    'a second completion under another lease',
    'I3',
    spoilt => {
      addOutcome(spoilt, 'plain-2', { lease_id: 'other' })
      addLedger(spoilt, 1_360, { what: 'end', id: 'plain-2', attempt: 1, leaseId: 'other' })
    },
  ],
]

/** I4, I11 and I12. */
export const SETTLED: readonly Planted[] = [
  [
    'a completion whose effect never came to its end',
    'I4',
    spoilt => (spoilt.ledger = spoilt.ledger.filter(({ what, id }) => id !== 'plain-3' || what === 'start')),
  ],
  [
    'a settlement under an old lease that was accepted',
    'I4',
    spoilt => (lineOf(spoilt, 'zombie', 'settle', 'answer', 1).outcome = 'settled'),
  ],
  [
    'two answers to one settlement',
    'I4',
    spoilt => {
      const { id, leaseId } = lineOf(spoilt, 'plain-5', 'claim', 'answer')
      addLine(spoilt, 3_000, { op: 'settle', phase: 'invoke', id, leaseId, want: 'retryable' })
      addLine(spoilt, 3_001, { op: 'settle', phase: 'answer', id, leaseId, outcome: 'retrying', retryAtMs: null })
    },
  ],
  [
    'a success that was answered as a failure',
    'I4',
    spoilt => (lineOf(spoilt, 'plain-7', 'settle', 'answer').outcome = 'failed'),
  ],
  [
    'an accepted settlement that Kafka does not remember',
    'I4',
    spoilt => {
      // After the last loss of Redis: before, it would be excused.
      setFields(outcomeOf(spoilt, 'plain-102'), { lease_id: 'other' })
      addLedger(spoilt, 51_360, { what: 'end', id: 'plain-102', attempt: 1, leaseId: 'other' })
    },
  ],
  [
    'a lease that was granted while another was good',
    'I11',
    // Good until 11.6 s, taken back at 11.7 s.
    spoilt => (lineOf(spoilt, 'orphan', 'claim', 'answer', 1).startedAtMs = redisAt(11_590)),
  ],
  [
    'a lease that was granted before the one before it was settled',
    'I11',
    spoilt => {
      const claim = lineOf(spoilt, 'flaky', 'claim', 'answer', 1)
      setFields(outcomeOf(spoilt, 'flaky'), { ended_at: isoAt(1_300), next_attempt_at: isoAt(1_500) })
      claim.startedAtMs = redisAt(1_270)
      setFields(outcomeOf(spoilt, 'flaky', 2), { started_at: isoAt(1_500), ended_at: isoAt(1_550) })
      // Judged by the claim (I11) only: it was not early, as far as the records say.
      setFields(outcomeOf(spoilt, 'flaky'), { next_attempt_at: isoAt(1_270), ended_at: isoAt(1_300) })
      lineOf(spoilt, 'flaky', 'enqueue', 'invoke').retryDelayMs = -15
    },
  ],
  [
    'a lease id that was granted twice',
    'I11',
    spoilt => {
      lineOf(spoilt, 'plain-12', 'claim', 'answer').leaseId = lineOf(spoilt, 'plain-10', 'claim', 'answer').leaseId
    },
  ],
  [
    'a renewal that shortened a lease',
    'I11',
    spoilt => (lineOf(spoilt, 'zombie', 'renew', 'answer').deadlineMs = redisAt(15_000)),
  ],
  [
    'a lease that was taken away although it was renewed',
    'I12',
    spoilt => {
      const { id, leaseId } = lineOf(spoilt, 'orphan', 'claim', 'answer')
      const deadlineMs = redisAt(11_850)
      addLine(spoilt, 9_850, { op: 'renew', phase: 'answer', id, leaseId, outcome: 'renewed', deadlineMs })
    },
  ],
  [
    "a dead worker's attempt that waited too long",
    'I12',
    spoilt => (needed(spoilt.faults[0], 'fault').fromMono = monoAt(2_000)),
  ],
]
