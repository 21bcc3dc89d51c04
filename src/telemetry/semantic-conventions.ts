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
  errorType: 'error.type',

  activityId: 'errand.activity.id',
  activityType: 'errand.activity.type',
  attempt: 'errand.activity.attempt',
  maxAttempts: 'errand.activity.max_attempts',
  priority: 'errand.activity.priority',
  waitMs: 'errand.activity.wait_ms',
  outcome: 'errand.activity.outcome',
  isRetry: 'errand.activity.is_retry',
} as const

/** Counters: name, unit and what is counted. */
export const COUNTERS = {
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
} as const

/** Histograms of durations in seconds. */
export const DURATIONS = {
  wait: { name: 'errand.activity.wait.duration', description: 'from due to start' },
  run: { name: 'messaging.process.duration', description: 'handler start to handler end' },
  total: { name: 'errand.activity.total.duration', description: 'from creation to end' },
  send: { name: 'messaging.client.operation.duration', description: 'an enqueue, as its caller waited' },
} as const

/** Buckets of the conventions' two histograms. Unit: s. */
export const OPERATION_BUCKETS_S: number[] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
/** Waits are longer. Unit: s. */
export const WAIT_BUCKETS_S: number[] = [...OPERATION_BUCKETS_S, 30, 60, 300, 900, 3_600, 21_600, 86_400]

/** The context key by which OpenTelemetry's SDK lets tracing be switched off. Source: @opentelemetry/core. */
export const SUPPRESS_TRACING_KEY = 'OpenTelemetry SDK Context Key SUPPRESS_TRACING'
