// Every bound of Errand, with its reason. Nothing in the code grows without one of these.

const KIB = 1024

/** Bounds on what callers hand in. Bytes are UTF-8 bytes; times are milliseconds. */
export const LIMITS = {
  /** Kafka's default message limit is 1 MiB; the envelope, headers and an error history need the rest. */
  payloadBytesMax: 900 * KIB,
  /** Results ride in an outcome record, beside the same kind of envelope. */
  resultBytesMax: 900 * KIB,
  /** `JSON.stringify` dies from about 1,600 levels on a deep stack; 128 is more than people nest. */
  jsonDepthMax: 128,
  /** An idempotency key is part of a Redis key. */
  keyBytesMax: 512,
  /** An id is part of Redis keys, record keys and headers. */
  idCharsMax: 128,
  metadataEntriesMax: 64,
  metadataKeyBytesMax: 128,
  metadataValueBytesMax: 4 * KIB,
  metadataBytesMax: 16 * KIB,
  namespaceCharsMax: 32,
  typeCharsMax: 64,
  workerIdBytesMax: 256,
  reasonBytesMax: 1 * KIB,
  /** 2^31 - 1: what other languages read as a plain integer. */
  attemptsMax: 2_147_483_647,
  /** A timeout longer than a week is a typing error more often than a wish. */
  timeoutMsMin: 1,
  timeoutMsMax: 7 * 24 * 3_600_000,
  retryDelayMsMax: 2_147_483_647_000,
  /** 30 years: what a handler may ask for with `RetryAfterError`. */
  retryAfterMsMax: 30 * 365.25 * 24 * 3_600_000,
  /** 100 years: far future is fine, year 275760 is not. */
  scheduleAheadMsMax: 100 * 365.25 * 24 * 3_600_000,
  /** The last millisecond of 9999: RFC 3339 writes four digits of a year, and what we read must be written again. */
  timeMsMax: 253_402_300_799_999,
  leaseMsMin: 100,
  leaseMsMax: 24 * 3_600_000,
  /** One call of `enqueueMany`. */
  enqueueBatchMax: 10_000,
  /** One call of `dequeue`. */
  dequeueBatchMax: 1_000,
  /** Records in one Lua call: scripts stop the world, 200 take about 3 ms. */
  scriptBatchMax: 200,
  /** One round of the reaper or the scheduler. */
  housekeepingBatchMax: 1_000,
  pageItemsMax: 200,
  waitMsMax: 24 * 3_600_000,
  /** A recorded failure, so that the copies for retry and dead letter still fit. */
  failureBytesMax: 16 * KIB,
  /** A failure's class, and its code. */
  failureNameBytesMax: 128,
  failureMessageBytesMax: 4 * KIB,
  failureStackBytesMax: 8 * KIB,
  failureCausesMax: 8,
  /** Failed attempts kept in the envelope: the first and the latest. */
  failureHistoryMax: 5,
  failureHistoryMessageBytesMax: 512,
  traceparentCharsMax: 128,
  tracestateCharsMax: 512,
  /** Fields of a record that this version does not know: they travel on with every record that comes of it. */
  extraFieldsMax: 64,
  extraBytesMax: 16 * KIB,
  /** Of a record that is read: the first so many, as far as they fit in so many bytes; the rest is passed over. */
  recordHeadersMax: 64,
  recordHeadersBytesMax: 16 * KIB,
} as const

/** Bounds of the consuming side: how much may be fetched ahead of the work. */
export const CONSUMER_LIMITS = {
  /** Per partition: above the high mark it is paused, below the low one resumed. */
  bufferRecordsHigh: 2_000,
  bufferRecordsLow: 1_000,
  bufferBytesHigh: 8 * KIB * KIB,
  bufferBytesLow: 4 * KIB * KIB,
  /** Unfinished and finished-ahead records that a partition's ledger may track before it is paused. */
  ledgerRecordsMax: 50_000,
  /** Kafka's default `offset.metadata.max.bytes`. */
  commitMetadataBytesMax: 4_096,
  /** How soon a held record is looked at again, at first and at most. */
  heldRecheckMs: 100,
  heldRecheckMsMax: 1_000,
} as const

/** Bounds of the producing side. */
export const PRODUCER_LIMITS = {
  /** All records for one partition travel as one batch, and the broker's limit is meant for the batch. */
  partitionBatchBytesMax: 900 * KIB,
  requestBytesMax: 4 * KIB * KIB,
  requestRecordsMax: 5_000,
  requestsInFlightMax: 5,
  /** Records waiting for a request; beyond it callers get `unavailable` at once. */
  queueRecordsMax: 200_000,
  queueBytesMax: 256 * KIB * KIB,
} as const

/** Bounds of a worker's dead-letter budget: lowest and highest. */
export const DEAD_LETTER_BUDGET_LIMITS = {
  /** What is withheld stays in memory with its payload: at most the burst and a handler's worth for each slot. */
  burst: [1, 1_000],
  /** A credit for each success: half of all may die. */
  perSuccess: [0, 1],
  /** Above 0, so that what always fails comes to its end where nothing else runs. */
  perMinute: [0.1, 1_000],
  pauseMaxMs: [10, 3_600_000],
} as const

/** Bounds of a rebuild. */
export const REBUILD_LIMITS = {
  /** Partitions that are read at once. Of each a page is worked on and the next one fetched: 8 MiB of records in all. */
  partitionsAtOnce: 4,
  /** Records in a page: what a fetch of 1 MiB brings, when they are small. */
  pageRecordsMax: 5_000,
  /** Members of the schedule that are held at once, about 200 bytes each; more are read in as many rounds as it takes. */
  membersMax: 100_000,
  /** How long the position of one that was stopped is kept, and with it what only its end decides. */
  keptMs: 24 * 3_600_000,
  /** How long it is remembered that one has finished: for another that is at it too. */
  finishedMs: 600_000,
  /** Redis may be emptied so often meanwhile; then something else is wrong. */
  roundsMax: 5,
} as const
