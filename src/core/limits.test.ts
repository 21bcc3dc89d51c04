import { expect, test } from 'vitest'

import { CONSUMER_LIMITS, LIMITS, PRODUCER_LIMITS } from './limits.ts'

const ALL: Readonly<Record<string, number>> = { ...LIMITS, ...CONSUMER_LIMITS, ...PRODUCER_LIMITS }

test.each(Object.entries(ALL))('%s is %i, a whole number above 0', (_, limit) => {
  expect(Number.isSafeInteger(limit) && limit > 0).toBe(true)
})

test('limits that belong together fit', () => {
  const mebibyte = 1_024 * 1_024
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
