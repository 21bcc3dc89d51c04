import { describe, expect, test } from 'vitest'

import {
  CONSUMER_LIMITS,
  DEAD_LETTER_BUDGET_LIMITS,
  DRIVER_LIMITS,
  LIMITS,
  MEMORY_LIMITS,
  PRODUCER_LIMITS,
  READING_LIMITS,
  REBUILD_LIMITS,
  RECOVERY_LIMITS,
  REHOMING_LIMITS,
  SCHEDULE_LIMITS,
  SETTLING_LIMITS,
  WORKER_LIMITS,
} from './limits.ts'

/** Those that are counts, bytes and times throughout: a dead-letter budget has shares, too. */
const GROUPS: Readonly<Record<string, Readonly<Record<string, number | readonly number[]>>>> = {
  LIMITS,
  CONSUMER_LIMITS,
  READING_LIMITS,
  SETTLING_LIMITS,
  SCHEDULE_LIMITS,
  RECOVERY_LIMITS,
  REHOMING_LIMITS,
  PRODUCER_LIMITS,
  WORKER_LIMITS,
  MEMORY_LIMITS,
  DRIVER_LIMITS,
  REBUILD_LIMITS,
}

const ALL = Object.entries(GROUPS).flatMap(([group, limits]) =>
  Object.entries(limits).flatMap(([name, limit]) =>
    [limit].flat().map((each): [string, number] => [`${group}.${name}`, each]),
  ),
)

test.each(ALL)('%s is %i, a whole number above 0', (_, limit) => {
  expect(Number.isSafeInteger(limit) && limit > 0).toBe(true)
})

const mebibyte = 1_024 * 1_024

test('limits that belong together fit', () => {
  // Payload, metadata, key, failure history and the failure itself, in one record under Kafka's default limit.
  const history =
    LIMITS.failureHistoryMax *
    (LIMITS.failureHistoryMessageBytesMax + LIMITS.failureNameBytesMax + LIMITS.workerIdBytesMax)
  const envelope =
    LIMITS.metadataBytesMax + LIMITS.keyBytesMax + LIMITS.tracestateCharsMax + history + LIMITS.failureBytesMax
  expect(LIMITS.payloadBytesMax + 2 * envelope).toBeLessThan(mebibyte)
  expect(LIMITS.leaseMsMin).toBeLessThan(LIMITS.leaseMsMax)
  expect(CONSUMER_LIMITS.bufferRecordsLow).toBeLessThan(CONSUMER_LIMITS.bufferRecordsHigh)
  expect(CONSUMER_LIMITS.bufferBytesLow).toBeLessThan(CONSUMER_LIMITS.bufferBytesHigh)
  expect(CONSUMER_LIMITS.bufferBytesLow).toBeGreaterThan(LIMITS.payloadBytesMax)
})

describe('one limit leaves room for another', () => {
  test.each([
    ['all that one claim may bring fits a call of the storage', WORKER_LIMITS.concurrencyMax, LIMITS.dequeueBatchMax],
    ['a worker whose handlers all end at once still claims', WORKER_LIMITS.concurrencyMax, WORKER_LIMITS.settlingMax],
    ['what is withheld of a type can run once more', DEAD_LETTER_BUDGET_LIMITS.burst[1], WORKER_LIMITS.ranOnceMoreMax],
    ['what is buffered fits the ledger', CONSUMER_LIMITS.bufferRecordsHigh, CONSUMER_LIMITS.ledgerRecordsMax],
    [
      'a full buffer alone presses nobody to be re-homed',
      CONSUMER_LIMITS.bufferRecordsHigh,
      REHOMING_LIMITS.recordsBehindMax,
    ],
    [
      'a partition is re-homed before it is paused',
      REHOMING_LIMITS.recordsBehindMax,
      CONSUMER_LIMITS.ledgerRecordsMax / 2,
    ],
    ['when one is re-homed has a range', ...REHOMING_LIMITS.afterMs],
    ['the largest payload fits a batch', LIMITS.payloadBytesMax, PRODUCER_LIMITS.partitionBatchBytesMax],
    [
      'a batch is what the broker takes as a message',
      PRODUCER_LIMITS.partitionBatchBytesMax,
      PRODUCER_LIMITS.recordBytesMax,
    ],
    [
      'the largest record of ours, with its headers, fits the DLQ',
      PRODUCER_LIMITS.recordBytesMax + LIMITS.recordHeadersBytesMax,
      PRODUCER_LIMITS.poisonBytesMax,
    ],
    ['a request holds a full batch', PRODUCER_LIMITS.partitionBatchBytesMax, PRODUCER_LIMITS.requestBytesMax],
    ['enough for a request fits one', PRODUCER_LIMITS.enoughRecords, PRODUCER_LIMITS.requestRecordsMax],
    [
      'requests under way are less than half of what may wait, in records',
      PRODUCER_LIMITS.requestsInFlightMax * PRODUCER_LIMITS.requestRecordsMax,
      PRODUCER_LIMITS.queueRecordsMax / 2,
    ],
    [
      'requests under way are less than half of what may wait, in bytes',
      PRODUCER_LIMITS.requestsInFlightMax * PRODUCER_LIMITS.requestBytesMax,
      PRODUCER_LIMITS.queueBytesMax / 2,
    ],
    ['the largest enqueue fits the queue', LIMITS.enqueueBatchMax, PRODUCER_LIMITS.queueRecordsMax],
    [
      'what was given up is an eighth of the queue, in records',
      PRODUCER_LIMITS.givenUpRecordsMax * 8,
      PRODUCER_LIMITS.queueRecordsMax,
    ],
    [
      'what was given up is an eighth of the queue, in bytes',
      PRODUCER_LIMITS.givenUpBytesMax * 8,
      PRODUCER_LIMITS.queueBytesMax,
    ],
    ['a fetch has a range', READING_LIMITS.fetchBytesMin, READING_LIMITS.fetchBytesMax],
    ['a fetch holds the largest payload', LIMITS.payloadBytesMax, READING_LIMITS.fetchBytesMax],
    ['the largest page fits what is looked at for one', LIMITS.pageItemsMax, READING_LIMITS.rankedEntriesMax],
    ['one script does a part of a round', LIMITS.scriptBatchMax, LIMITS.housekeepingBatchMax],
    ['all of one dispatch can be looked into', LIMITS.housekeepingBatchMax, SCHEDULE_LIMITS.strangersMax],
    ['what comes of one scan is little of what is held', SCHEDULE_LIMITS.scanMembers, SCHEDULE_LIMITS.membersMax / 10],
    ['a page of a rebuild is little of what is held', REBUILD_LIMITS.pageRecordsMax, REBUILD_LIMITS.membersMax / 10],
    ['a line of the driver holds the largest payload', LIMITS.payloadBytesMax * 8, DRIVER_LIMITS.lineBytesMax],
  ])('%s', (_, lesser, greater) => {
    expect(lesser).toBeLessThanOrEqual(greater)
  })
})

test('what a process holds for the schedule, and for reading the log, is tens of megabytes', () => {
  const memberBytes = 200
  const sweep = 2 * SCHEDULE_LIMITS.membersMax * memberBytes + 2 * READING_LIMITS.fetchBytesMax
  expect(sweep).toBeLessThanOrEqual(43 * mebibyte)
  expect(READING_LIMITS.fetchesAtOnceMax * READING_LIMITS.fetchBytesMax).toBeLessThanOrEqual(8 * mebibyte)
})
