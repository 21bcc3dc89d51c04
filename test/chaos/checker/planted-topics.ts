// Ways in which dead letters, results, offsets and counts are not as promised: I8 to I10, I14, I18, L1.

import type { Planted, Spoilt } from './planting.ts'
import {
  addAccepted,
  addLine,
  addRecord,
  dropRecords,
  lineOf,
  looksAtLaneOf,
  monoAt,
  needed,
  recordsOf,
  redisAt,
} from './planting.ts'

/** I8 to I10, I14, I18 and L1. */
export const TOPICS: readonly Planted[] = [
  [
    'a dead letter that is not in its topic',
    'I8',
    spoilt =>
      dropRecords(
        spoilt,
        recordsOf(spoilt, 'dlq', ({ id }) => id === 'doomed'),
      ),
  ],
  [
    'a dead letter with another payload',
    'I8',
    spoilt => {
      for (const record of recordsOf(spoilt, 'dlq', ({ id }) => id === 'doomed-again')) {
        record.value = record.value?.replace('"pad":"x"', '"pad": "x"') ?? null
      }
    },
  ],
  [
    'a dead letter without a header',
    'I8',
    spoilt => {
      for (const record of recordsOf(spoilt, 'dlq', () => true)) delete record.headers['errand-failed-at']
    },
  ],
  [
    'a dead letter that does not say where it came from',
    'I8',
    spoilt => {
      for (const record of recordsOf(spoilt, 'dlq', () => true)) delete record.headers['errand-source-offset']
    },
  ],
  [
    'a dead letter of what did not end as one',
    'I8',
    spoilt => {
      const [letter] = recordsOf(spoilt, 'dlq', ({ id }) => id === 'doomed')
      const value = letter?.value?.replaceAll('doomed', 'plain-108') ?? null
      addRecord(spoilt, 'dlq', { key: 'plain-108', value, headers: { ...letter?.headers } })
      const { payloadSha } = lineOf(spoilt, 'doomed', 'enqueue', 'invoke')
      Object.assign(lineOf(spoilt, 'plain-108', 'enqueue', 'invoke'), { payloadSha, type: 'alpha', priority: 'normal' })
    },
  ],
  [
    'a record that was set aside as poison',
    'I8',
    spoilt => addRecord(spoilt, 'dlq', { key: 'x', value: 'garbage', headers: { 'errand-kind': 'poison' } }),
  ],
  ['a record that cannot be read', 'I8', spoilt => addRecord(spoilt, 'outcomes', { key: 'x', value: 'garbage' })],
  ['a result that vanished', 'I9', spoilt => look(spoilt, 1_500, null)],
  ['a result that changed', 'I9', spoilt => look(spoilt, 1_500, 'another sha')],
  ['a result that is not there at rest', 'I9', spoilt => delete spoilt.redis.markers['plain-4']],
  [
    'a stored result that is not what completed',
    'I9',
    spoilt => (needed(spoilt.redis.markers['plain-4'], 'marker')['r'] = 'ok|{"n":2}'),
  ],
  [
    'a stored failure of what completed',
    'I9',
    spoilt => (needed(spoilt.redis.markers['plain-4'], 'marker')['r'] = 'err|{}'),
  ],
  [
    'a stored result that is not JSON',
    'I9',
    spoilt => (needed(spoilt.redis.markers['plain-4'], 'marker')['r'] = 'ok|garbage'),
  ],
  [
    'a stored result that is not the text that was seen',
    'I9',
    spoilt => (needed(spoilt.redis.markers['plain-0'], 'marker')['r'] = 'ok|{"n": 1}'),
  ],
  [
    'a start out of order in a lane',
    'I10',
    // Both in one partition of alpha's critical lane; plain-0 started at 0.32 s.
    spoilt => (lineOf(spoilt, 'plain-8', 'claim', 'answer').startedAtMs = redisAt(310)),
  ],
  [
    'a commit above an attempt that still ran',
    'I14',
    spoilt => {
      const { offset, samples } = looksAtLaneOf(spoilt, 'orphan')
      needed(
        samples.find(({ mono }) => mono === monoAt(10_000)),
        'look',
      ).committed = offset + 1
    },
  ],
  [
    'a commit beyond the end of the log',
    'I14',
    spoilt => {
      const { samples } = looksAtLaneOf(spoilt, 'plain-0')
      for (const sample of samples.slice(-2)) sample.committed = sample.high + 5
    },
  ],
  [
    'a log that begins above what was committed',
    'I14',
    spoilt => {
      for (const sample of looksAtLaneOf(spoilt, 'plain-0').samples) sample.committed = Math.min(1, sample.committed)
    },
  ],
  ['something pending at rest', 'I18', spoilt => (spoilt.stats.pending = 1)],
  ['a lease at rest', 'I18', spoilt => (spoilt.redis.leases = 1)],
  [
    'a schedule without its tombstone at rest',
    'I18',
    spoilt =>
      dropRecords(
        spoilt,
        spoilt.topics.records.filter(({ key, value }) => key === 'later:1' && value === null),
      ),
  ],
  [
    'an activity that is stuck',
    'L1',
    spoilt => {
      spoilt.run.restedMono = null
      spoilt.stats.pending = 1
      addAccepted(spoilt, 'left', 50_000)
      addRecord(spoilt, 'alpha.low', { key: 'left', value: JSON.stringify({ id: 'left', attempt: 1 }) })
    },
  ],
  ['rest that came too late', 'L1', spoilt => (spoilt.run.restedMono = spoilt.run.healedMono + 60_001)],
]

function look(spoilt: Spoilt, at: number, sha: string | null): void {
  const { seq: _, mono: __, ...line } = lineOf(spoilt, 'plain-0', 'result', 'answer')
  addLine(spoilt, at, { ...line, outcome: sha === null ? 'none' : 'value', sha })
}
