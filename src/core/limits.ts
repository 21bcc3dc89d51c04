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
  /** Bytes of envelopes or results in one Lua call: it copies and parses them while everybody waits. One item may be larger. */
  scriptBytesMax: 4 * KIB * KIB,
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
  /** Different values of `error.type` in the figures of a process: each makes a time series of its own. */
  errorTypesMax: 100,
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
  /** Of all subscribed types together, shared among them: a process that consumes ten is not to hold ten times as much. */
  bufferRecordsOfAllTypes: 4_000,
  bufferBytesOfAllTypes: 16 * KIB * KIB,
  /** However many types there are, a partition may hold so much, or it would be paused and resumed for each record. */
  bufferRecordsHighMin: 100,
  bufferBytesHighMin: KIB * KIB,
  /** What one fetch may bring. One record of any size comes through all the same. */
  fetchBytesMax: 2 * KIB * KIB,
  fetchBytesMin: 256 * KIB,
  /** A fetch that nothing comes for waits so long at most. */
  idleFetchMsMax: 1_000,
  /** Unfinished and finished-ahead records that a partition's ledger may track before it is paused. */
  ledgerRecordsMax: 50_000,
  /** Kafka's default `offset.metadata.max.bytes`. */
  commitMetadataBytesMax: 4_096,
  /** How soon a held record is looked at again, at first and at most. */
  heldRecheckMs: 100,
  heldRecheckMsMax: 1_000,
  /** What one member can own and one join can carry; more is not ours. */
  ownedBytesMax: 256 * KIB,
  /** Turns are remembered for so many different sets of types; beyond that the longest unused set starts anew. */
  typeSetsMax: 64,
} as const

/** Bounds of reading the log at random: for pages, look-ups, timelines and the live stream. */
export const READING_LIMITS = {
  /** Bytes of one fetch: what the records asked for may take, but at least what is worth a round trip. */
  fetchBytesMin: 64 * KIB,
  fetchBytesMax: KIB * KIB,
  /** Fetches under way, 8 MiB in all; more wait. */
  fetchesAtOnceMax: 8,
  /** Topics whose offsets are asked for at the same time: three requests each. */
  topicsAtOnceMax: 8,
  /** A look-up reads no more than so many records of a partition. */
  lookupRecordsMax: 200_000,
  /** Records in a window of a partition, and windows for one page: how far a page looks before it says "go on". */
  windowRecordsMin: 100,
  windowsMax: 40,
  /** A page of what Redis keeps reads no more than so many entries. */
  rankedEntriesMax: 2_000,
  /** Dead letters whose places are remembered from lists, at about 100 bytes each: a page that is redriven, many times over. */
  letterPlacesMax: 10_000,
  /** A tail that falls behind by more records of a partition is told that it missed something. */
  tailBehindMax: 10_000,
} as const

/** Bounds of a reaper. */
export const HOUSEKEEPING_LIMITS = {
  /** Dead letters that wait to be told, with their payloads, while a listener is slow; beyond it they are only in the log. */
  untoldDeadLettersMax: 1_000,
} as const

/** Bounds of a look at how lanes stand, which is for gauges and comes again every few seconds. */
export const FIGURES_LIMITS = {
  /** Reads of the log in one look, of all lanes together: about half a second. The next look goes on. */
  readsPerLookMax: 64,
  /** Records of one read: at first what the smallest fetch holds, then more, since all of them run. */
  recordsPerRead: [32, 512],
  /** Unfinished records of one partition that are remembered, about 100 bytes each: as many as one worker can run. */
  recordsKeptMax: 1_000,
  /** Records whose standing is asked for at once: markers of what runs hold its envelope. */
  standingsAtOnceMax: 50,
  /** Types whose offsets are asked for at the same time: some fifteen requests each. */
  typesAtOnceMax: 4,
} as const

/** Bounds of settling. */
export const SETTLING_LIMITS = {
  /** Batches under way at once; more would only queue inside Redis and Kafka. */
  flushesMax: 4,
} as const

/** Bounds of the schedule. */
export const SCHEDULE_LIMITS = {
  /** Full batches that are made ready in one round, so that a round is bounded and stopping never waits long. */
  batchesPerRoundMax: 20,
  /** Due attempts of unknown types that are looked into at once, about 300 bytes each: all of one dispatch. More are due again. */
  strangersMax: 1_000,
  /** Members of the index that one command looks at, and values that one gives: the values hold whole envelopes. */
  scanMembers: 1_000,
  valuesAtOnceMax: 50,
  /**
   * Members that a sweep holds at once, about 200 bytes each: so many of the index, and the offsets of so many in the log. More
   * are read in as many rounds as it takes.
   */
  membersMax: 100_000,
} as const

/** Bounds of telling an emptied Redis what ended. */
export const RECOVERY_LIMITS = {
  /** Per partition, should more have ended within the window. */
  outcomesMax: 200_000,
} as const

/** Bounds of re-homing: when a long attempt gets a delay record of its own, so that its partition's frontier moves on. */
export const REHOMING_LIMITS = {
  /** For how long it may have run: lowest and highest. Beyond an hour, what Redis remembers by default could run out. */
  afterMs: [100, 3_600_000],
  /** One that another process runs, since a rebalance: nobody knows here for how long it did before. */
  heldMsMax: 60_000,
  /** Tracked records of a partition beyond which what holds its frontier is not waited for: a quarter of the ledger's bound. */
  recordsBehindMax: CONSUMER_LIMITS.ledgerRecordsMax / 4,
  /** Below that it would have ended by itself; a record of its own costs more than it. */
  pressedMsMin: 2_000,
  /** A home whose attempt still runs is looked at again after this. An end that its worker could not publish waits as long. */
  lookMs: 15_000,
  /** After a write that failed. */
  retryMs: 10_000,
} as const

/** Bounds of the producing side. */
export const PRODUCER_LIMITS = {
  /**
   * The largest record of ours, with room: a payload of 900 KiB, 16 KiB of metadata and the failures beside it, each byte of
   * which may take six as JSON. More than Kafka's default of 1 MiB, which is why it is set on each topic.
   */
  recordBytesMax: 1_280 * KIB,
  /** Beside it, the headers that say why poison is in the DLQ. */
  poisonBytesMax: 1_344 * KIB,
  /** All records for one partition travel as one batch, and the broker's limit is meant for the batch. */
  partitionBatchBytesMax: 900 * KIB,
  requestBytesMax: 4 * KIB * KIB,
  requestRecordsMax: 5_000,
  requestsInFlightMax: 5,
  /** So many waiting records are worth a request of their own while others are under way. */
  enoughRecords: 500,
  /** Records waiting for a request; beyond it callers get `unavailable` at once. */
  queueRecordsMax: 200_000,
  queueBytesMax: 256 * KIB * KIB,
  /** Records whose deadline has passed that may still stand among them: an eighth, since finding them takes a look at all. */
  givenUpRecordsMax: 25_000,
  givenUpBytesMax: 32 * KIB * KIB,
} as const

/** Bounds of a worker. */
export const WORKER_LIMITS = {
  /** Handlers that run at once: what one claim may bring. */
  concurrencyMax: 1_000,
  /** Attempts whose handlers have ended and whose settlements wait: beyond it nothing is claimed. */
  settlingMax: 1_000,
  /** Ids of activities that ran once more, and have not ended here since: others may have run them. */
  ranOnceMoreMax: 1_000,
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

/** Bounds of the storage in memory, beside its options. */
export const MEMORY_LIMITS = {
  /** Events of one activity: the first is kept, then the latest. `'unlimited'` attempts must not fill the memory. */
  timelineEventsMax: 1_000,
  /** Events that wait for one reader. */
  streamEventsMax: 1_000,
  /** Results without an activity of this storage that are dropped at most in one go. */
  purgedResultsMax: 1_000,
} as const

/** Bounds of operations (bulk work). */
export const OPERATION_LIMITS = {
  /** Of one that names them: with the longest ids they fit into a payload. */
  idsMax: 5_000,
  /** What one acts on at most, and unless it says otherwise. */
  itemsMax: 10_000_000,
  /** Items a second: lowest and highest. One item is half a dozen round trips. */
  ratePerSecond: [0.1, 1_000],
  requestedByBytesMax: 256,
  /** Items that are under way at the same time. */
  atOnceMax: 16,
  /** Failures that are kept with their reasons, the latest, at about 700 bytes each. */
  failuresMax: 100,
  /** Bytes of the kept progress: a page of ids and the failures, with room. */
  progressBytesMax: 256 * KIB,
  /** How long progress is kept after it was saved last, and of how many operations. */
  keptMs: 7 * 24 * 3_600_000,
  keptMax: 1_000,
  /** So many times an item may find Kafka or Redis away, two minutes in all, before it counts as failed. */
  triesMax: 8,
  /** Attempts in a row that got nowhere: then something is wrong that no attempt will mend. */
  barrenAttemptsMax: 20,
  /** Dead letters that a count or a grouping looks at: lowest, unless it says otherwise, highest. */
  lookedAt: [1, 10_000, 200_000],
} as const

/** Bounds of the storage driver's input. */
export const DRIVER_LIMITS = {
  /** A payload of the largest size fits many times; what is longer is not a request. */
  lineBytesMax: 16 * KIB * KIB,
  /** Activities of one `submit_many`. */
  submitManyMax: 100_000,
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

/** Bounds of the command line. */
export const CLI_LIMITS = {
  /** Activities that one list holds or asks for; what streams has no such bound. About 1 KiB each. */
  listItemsMax: 10_000,
  /** Lines of input that travel as one batch, and the bytes after which it goes earlier: memory stays at a few times that. */
  enqueueLinesMax: 500,
  enqueueBytesMax: 4 * KIB * KIB,
  /** Types that the lines of one input may name. */
  enqueueTypesMax: 1_000,
  /** Running activities that `workers` looks at. */
  runningMax: 5_000,
} as const

/** Bounds of the console. */
export const CONSOLE_LIMITS = {
  /** Of a request: the largest payload with what goes beside it. */
  bodyBytesMax: 1_024 * KIB,
  /** Of a sign-in, which anybody may send. */
  signInBodyBytesMax: 4 * KIB,
  /** Shorter ones are guessed; longer ones do not fit into a header. */
  tokenChars: [16, 512],
  /** Signed in for so long. */
  sessionMs: 12 * 3_600_000,
  /** Wrong tokens from one address in a minute; further ones are told to wait until it is over. */
  signInFailuresMax: 10,
  signInWindowMs: 60_000,
  /** Addresses whose wrong tokens are counted. */
  addressesMax: 1_000,
  /** Live streams in all and from one address, about 256 KiB each at worst. Behind a proxy all come from one. */
  streamsMax: 256,
  streamsPerAddressMax: 64,
  /** What waits for one reader; beyond it there is a gap instead. */
  streamBufferBytesMax: 256 * KIB,
  /** Kept for those who come back: events, and their bytes. */
  streamRingEvents: 2_000,
  streamRingBytesMax: 1_024 * KIB,
  /** A failure's text in lists and in the stream; one activity shows the whole. */
  briefErrorBytesMax: 512,
  /** Proxies end what is silent for a minute. */
  streamHeartbeatMs: 15_000,
  /** Then a stream ends, and who wants to go on shows again that he may. */
  streamLifeMsMax: 3_600_000,
  /** After the source of events failed. */
  streamRetryMs: 2_000,
  /** What was done, in this process. */
  auditEntriesMax: 500,
  /** What strangers were refused: kept apart, and told in the log once in such a while. */
  strangerEntriesMax: 50,
  strangerLogMs: 60_000,
  whoBytesMax: 256,
  /** Answers kept for repeated requests, and for how long. */
  requestsKeptMax: 1_000,
  requestsKeptMs: 600_000,
  /** Minutes of charts; about 100 bytes for each, and for each type. */
  seriesMinutesMax: 360,
  seriesTypesMax: 200,
  /** How often the charts look at the lanes, and for how long what was looked up serves everybody who asks. */
  sampleMs: 10_000,
  figuresKeptMs: 1_000,
  diagnosisKeptMs: 15_000,
  /** One search looks at so many activities, for so long; then it says how far it came. */
  searchLookedAtMax: 1_000,
  searchMsMax: 2_500,
  searchTextCharsMax: 200,
  /** Activities that are looked up at the same time for one answer. */
  lookupsAtOnce: 8,
  /** Searches, groupings and previews at the same time, of everybody. */
  heavyAtOnceMax: 4,
  /** Dead letters that one grouping or preview looks at. */
  lookedAt: [1, 5_000, 20_000],
  /** Running activities and workers that one page of workers looks at, and activities that it names of each worker. */
  runningMax: 2_000,
  workersMax: 200,
  runningOfWorkerMax: 20,
  /** The files of the pages, which are held in memory. */
  assetFilesMax: 500,
  assetBytesMax: 16 * KIB * KIB,
  /** Names in the Host allow-list. */
  hostsMax: 100,
} as const
