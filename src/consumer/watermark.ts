// When a partition is paused and when it is resumed. Two marks each, so that it does not flap; derived anew from what is
// unfinished, never remembered, because kafkajs's own flags survive losing a partition and vanish in a crash.

import { CONSUMER_LIMITS } from '../core/limits.ts'

/** What a partition holds in memory. */
export interface PartitionLoad {
  readonly unfinished: number
  readonly bytesUnfinished: number
  /** Unfinished and finished ahead of the frontier. */
  readonly tracked: number
}

/** The marks of every partition. */
export interface Watermarks {
  readonly recordsHigh: number
  readonly recordsLow: number
  readonly bytesHigh: number
  readonly bytesLow: number
  readonly ledgerRecordsMax: number
}

/** The marks of `core/limits.ts`. */
export const DEFAULT_WATERMARKS: Watermarks = {
  recordsHigh: CONSUMER_LIMITS.bufferRecordsHigh,
  recordsLow: CONSUMER_LIMITS.bufferRecordsLow,
  bytesHigh: CONSUMER_LIMITS.bufferBytesHigh,
  bytesLow: CONSUMER_LIMITS.bufferBytesLow,
  ledgerRecordsMax: CONSUMER_LIMITS.ledgerRecordsMax,
}

/** The marks of each partition in a process that consumes so many types. */
export function marksOfTypes(types: number): Pick<Watermarks, 'recordsHigh' | 'bytesHigh'> {
  const share = (ofAll: number, min: number, max: number): number =>
    Math.max(min, Math.min(max, Math.floor(ofAll / types)))
  const limits = CONSUMER_LIMITS
  return {
    recordsHigh: share(limits.bufferRecordsOfAllTypes, limits.bufferRecordsHighMin, limits.bufferRecordsHigh),
    bytesHigh: share(limits.bufferBytesOfAllTypes, limits.bufferBytesHighMin, limits.bufferBytesHigh),
  }
}

/** Of the ledger's bound, so much must be free before it is filled again. */
const LEDGER_LOW_SHARE = 0.9

/** Whether a partition should be paused, given whether it is. */
export function shouldPause(load: PartitionLoad, isPaused: boolean, marks: Watermarks): boolean {
  if (!isPaused) {
    return (
      load.unfinished >= marks.recordsHigh ||
      load.bytesUnfinished >= marks.bytesHigh ||
      load.tracked >= marks.ledgerRecordsMax
    )
  }
  return (
    load.unfinished > marks.recordsLow ||
    load.bytesUnfinished > marks.bytesLow ||
    load.tracked > marks.ledgerRecordsMax * LEDGER_LOW_SHARE
  )
}
