// The figures that the dashboard and the alert rules ask for, with the labels that they carry. The names are those of
// `src/telemetry/semantic-conventions.ts`; a test holds both together, and the labels against what a worker really says.

/** Labels that Errand gives, by what they tell apart. */
export const LABELS = {
  type: 'messaging_destination_template',
  priority: 'errand_activity_priority',
  outcome: 'errand_activity_outcome',
  operation: 'messaging_operation_name',
  errorType: 'error_type',
  script: 'errand_side_store_script',
} as const

/** Labels that Prometheus gives: whoever scrapes decides them. `namespace` is that of Kubernetes, or one that you set. */
export const SCRAPE_LABELS = ['namespace', 'job', 'instance'] as const

/** A label that a query may name. */
export type Label = (typeof LABELS)[keyof typeof LABELS] | (typeof SCRAPE_LABELS)[number]

/** One figure, as OpenTelemetry knows it. */
export interface Metric {
  readonly name: string
  readonly kind: 'counter' | 'histogram' | 'gauge'
  /** As OpenTelemetry writes it: `s`, or a word in braces. */
  readonly unit: string
  /** What Errand tells its series apart by. */
  readonly labels: readonly Label[]
}

const { type, priority, outcome, operation, errorType, script } = LABELS
const ACTIVITIES = '{activity}'

/** Every figure that is asked for. */
export const METRICS = {
  enqueued: counter('errand.activity.enqueued', ACTIVITIES, [type, priority]),
  deduplicated: counter('errand.activity.deduplicated', ACTIVITIES, [type, priority]),
  claimed: counter('errand.activity.claimed', ACTIVITIES, []),
  settled: counter('errand.activity.settled', ACTIVITIES, [type, priority, outcome]),
  leaseLost: counter('errand.activity.lease_lost', ACTIVITIES, [type, priority]),
  requeued: counter('errand.activity.requeued', ACTIVITIES, [type, priority, outcome]),
  withheld: counter('errand.activity.withheld', ACTIVITIES, [type, priority]),
  overrun: counter('errand.activity.overrun', ACTIVITIES, [type]),
  consumed: counter('messaging.client.consumed.messages', '{message}', [type, outcome, operation, errorType]),

  wait: histogram('errand.activity.wait.duration', [type, priority]),
  run: histogram('messaging.process.duration', [type, outcome, operation, errorType]),
  total: histogram('errand.activity.total.duration', [type, priority, outcome]),
  client: histogram('messaging.client.operation.duration', [type, outcome, operation]),
  lateness: histogram('errand.scheduler.lateness', []),
  sideStore: histogram('errand.side_store.duration', [script]),

  pending: gauge('errand.lane.pending', ACTIVITIES, [type, priority]),
  oldestPending: gauge('errand.lane.oldest_pending.age', 's', [type, priority]),
  running: gauge('errand.lane.running', ACTIVITIES, [type, priority]),
  scheduled: gauge('errand.lane.scheduled', ACTIVITIES, [type, priority]),
  deadLetters: gauge('errand.lane.dead_letters', ACTIVITIES, [type, priority]),
  frontierHold: gauge('errand.frontier.hold', '{offset}', [type, priority]),
  frontierAge: gauge('errand.frontier.hold.age', 's', [type, priority]),
  slotsUsed: gauge('errand.worker.slots.used', '{slot}', []),
  slotsLimit: gauge('errand.worker.slots.limit', '{slot}', []),
  rebalances: counter('errand.consumer.rebalances', '{rebalance}', [type]),
  rebuilds: counter('errand.consumer.rebuilds', '{rebuild}', [type]),
} as const satisfies Record<string, Metric>

function counter(name: string, unit: string, labels: readonly Label[]): Metric {
  return { name, kind: 'counter', unit, labels }
}

function gauge(name: string, unit: string, labels: readonly Label[]): Metric {
  return { name, kind: 'gauge', unit, labels }
}

function histogram(name: string, labels: readonly Label[]): Metric {
  return { name, kind: 'histogram', unit: 's', labels }
}
