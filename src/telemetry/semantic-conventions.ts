// Names of attributes and figures: OpenTelemetry semantic conventions 1.44 for messaging (still in development, so they
// stand in this one file), and Errand's own, which all begin with `errand.`.

/** The name under which tracers and meters are asked for. */
export const INSTRUMENTATION_NAME = 'errand'

/** Attributes of spans. The first group is the conventions', the second Errand's. */
export const ATTRIBUTES = {
  system: 'messaging.system',
  operationName: 'messaging.operation.name',
  operationType: 'messaging.operation.type',
  destinationName: 'messaging.destination.name',
  destinationTemplate: 'messaging.destination.template',
  partitionId: 'messaging.destination.partition.id',
  offset: 'messaging.kafka.offset',
  messageKey: 'messaging.kafka.message.key',
  messageId: 'messaging.message.id',
  clientId: 'messaging.client.id',
  consumerGroup: 'messaging.consumer.group.name',
  errorType: 'error.type',

  activityId: 'errand.activity.id',
  activityType: 'errand.activity.type',
  attempt: 'errand.activity.attempt',
  maxAttempts: 'errand.activity.max_attempts',
  priority: 'errand.activity.priority',
  waitMs: 'errand.activity.wait_ms',
  outcome: 'errand.activity.outcome',
  isRetry: 'errand.activity.is_retry',
  script: 'errand.side_store.script',
  dueAt: 'errand.activity.due_at',
  fingerprint: 'errand.error.fingerprint',
  sourceTopic: 'errand.source.topic',
  sourcePartition: 'errand.source.partition',
  sourceOffset: 'errand.source.offset',
  /** On a link: what it leads to. */
  link: 'errand.link',
} as const

/** Counters: name, unit and what is counted. */
export const COUNTERS = {
  sent: {
    name: 'messaging.client.sent.messages',
    unit: '{message}',
    description: 'activities that a client tried to send',
    operation: 'send',
  },
  consumed: {
    name: 'messaging.client.consumed.messages',
    unit: '{message}',
    description: 'attempts that were handed to a handler',
    operation: 'process',
  },
  enqueued: { name: 'errand.activity.enqueued', unit: '{activity}', description: 'activities accepted' },
  deduplicated: {
    name: 'errand.activity.deduplicated',
    unit: '{activity}',
    description: 'enqueues that met their key',
  },
  claimed: { name: 'errand.activity.claimed', unit: '{activity}', description: 'attempts claimed' },
  settled: { name: 'errand.activity.settled', unit: '{activity}', description: 'attempts ended, by outcome' },
  lease_lost: { name: 'errand.activity.lease_lost', unit: '{activity}', description: 'attempts whose lease was lost' },
  requeued: { name: 'errand.activity.requeued', unit: '{activity}', description: 'expired leases taken back' },
  withheld: {
    name: 'errand.activity.withheld',
    unit: '{activity}',
    description: 'last failures that wait for the dead-letter budget',
  },
  backed_off: { name: 'errand.worker.backed_off', unit: '{type}', description: 'types that began to back off' },
  overrun: { name: 'errand.activity.overrun', unit: '{activity}', description: 'handlers that outlived their timeout' },
  rebalances: {
    name: 'errand.consumer.rebalances',
    unit: '{rebalance}',
    description: 'joins of a group after the first',
  },
  rebuilds: {
    name: 'errand.consumer.rebuilds',
    unit: '{rebuild}',
    description: 'consumers that died or fell silent, built anew',
  },
} as const

/** One histogram for both: an enqueue, as its caller waited, and a settlement, until Redis and Kafka have it. */
const CLIENT_OPERATION = {
  name: 'messaging.client.operation.duration',
  description: 'an enqueue or a settlement, as its caller waited',
} as const

/** Histograms of durations in seconds. */
export const DURATIONS = {
  wait: { name: 'errand.activity.wait.duration', description: 'from due to start' },
  run: { name: 'messaging.process.duration', description: 'handler start to handler end', operation: 'process' },
  total: { name: 'errand.activity.total.duration', description: 'from creation to end' },
  send: { ...CLIENT_OPERATION, operation: 'send' },
  settle: { ...CLIENT_OPERATION, operation: 'settle' },
  lateness: { name: 'errand.scheduler.lateness', description: 'from due to ready' },
  side_store: { name: 'errand.side_store.duration', description: 'a script at Redis, as its caller waited' },
} as const

/**
 * Gauges. `merge`: what several of a process that tell of the same thing come to. Those of lanes are about the whole namespace
 * and alike wherever they come from, so take the highest of all processes; those of workers add up.
 */
export const GAUGES = {
  lane_pending: { name: 'errand.lane.pending', unit: '{activity}', description: 'ready and not running', merge: 'max' },
  lane_running: { name: 'errand.lane.running', unit: '{activity}', description: 'under a lease', merge: 'max' },
  lane_scheduled: {
    ...{ name: 'errand.lane.scheduled', unit: '{activity}', merge: 'max' },
    description: 'due later, retries among them',
  },
  lane_dead_letters: {
    ...{ name: 'errand.lane.dead_letters', unit: '{activity}', merge: 'max' },
    description: 'dead letters, while they are remembered',
  },
  lane_oldest_pending_age: {
    ...{ name: 'errand.lane.oldest_pending.age', unit: 's', merge: 'max' },
    description: 'how long the oldest that is ready has waited',
  },
  frontier_hold: {
    ...{ name: 'errand.frontier.hold', unit: '{offset}', merge: 'max' },
    description: 'offsets finished ahead of the frontier',
  },
  frontier_hold_age: {
    ...{ name: 'errand.frontier.hold.age', unit: 's', merge: 'max' },
    description: 'how long the frontier of a partition with work has not moved',
  },
  slots_used: {
    ...{ name: 'errand.worker.slots.used', unit: '{slot}', merge: 'sum' },
    description: 'handlers that run',
  },
  slots_limit: {
    ...{ name: 'errand.worker.slots.limit', unit: '{slot}', merge: 'sum' },
    description: 'handlers that may run at once',
  },
} as const

/** Buckets of the conventions' two histograms. Unit: s. */
export const OPERATION_BUCKETS_S: number[] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
/** A script takes a millisecond or less while all is well. Unit: s. */
export const SCRIPT_BUCKETS_S: number[] = [0.0005, 0.001, 0.0025, ...OPERATION_BUCKETS_S]
/** Waits are longer. Unit: s. */
export const WAIT_BUCKETS_S: number[] = [...OPERATION_BUCKETS_S, 30, 60, 300, 900, 3_600, 21_600, 86_400]

/** The context key by which OpenTelemetry's SDK lets tracing be switched off. Source: @opentelemetry/core. */
export const SUPPRESS_TRACING_KEY = 'OpenTelemetry SDK Context Key SUPPRESS_TRACING'
