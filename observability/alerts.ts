// The alert rules. Each says what is wrong, and what to do next; `docs/operating/alerts.md` has a section for each.
// `npm run dashboards` writes them for Prometheus and for its operator on Kubernetes.

import { LABELS, METRICS } from './metrics.ts'
import type { Label } from './metrics.ts'
import { BY_LANE, BY_TYPE, added, greatest, growth, growthOfAll, lanes, quantile, series } from './promql.ts'

/** A rule as Prometheus takes it. */
export interface AlertRule {
  readonly alert: string
  readonly expr: string
  /** How long it must hold before anybody is woken. */
  readonly for: string
  readonly labels: { readonly severity: 'critical' | 'warning' }
  readonly annotations: {
    readonly summary: string
    /** What to do next. */
    readonly description: string
    /** Where to read on, from the repository's root. */
    readonly runbook: string
  }
}

/** Beyond these something is wrong. Change them here; the tests say what each is for. */
export const THRESHOLDS = {
  /** Unit: s. */
  oldestPendingS: 300,
  /** Long attempts stop holding the frontier after five minutes, so ten are two tries. Unit: s. */
  frontierS: 600,
  /** Leases lost or expired, of attempts handed to handlers. */
  leaseLostShare: 0.05,
  /** Below so many, a share says nothing. */
  leaseLostMin: 3,
  /** p95. Unit: s. */
  latenessS: 5,
  slotsUsedShare: 0.95,
} as const

const RUNBOOK = 'docs/operating/alerts.md'
const m = METRICS
const { type, outcome } = LABELS
const NAMESPACE: readonly Label[] = ['namespace']
const ON_TYPE = `on (${BY_TYPE.join(', ')})`
const THE_TYPE = `{{ $labels.${type} }}`
const is = (label: Label, value: string) => ({ [label]: { op: '=', value } }) as const

const deadLettered = growthOfAll([m.settled, m.requeued], BY_TYPE, '15m', [
  is(outcome, 'dead_letter'),
  is(outcome, 'dead_letter'),
])
const leasesGone = growthOfAll([m.leaseLost, m.requeued], BY_TYPE, '15m', [{}, {}])
// A reaper that cannot see how lanes stand reports no number, which is not greater than anything.
const reported = `count by (namespace) (${series(m.pending)} >= 0)`
const consumed = (over: string): string => growth(m.consumed, BY_TYPE, over)

/** Every rule, the most urgent first. */
export const ALERTS: readonly AlertRule[] = [
  rule('ErrandNobodyConsumes', 'critical', '5m', 'nobody-consumes', {
    // Handed out or under a lease: somebody works. A type without workers has no such series at all, which `unless` allows for.
    expr: `${lanes(m.pending, BY_TYPE)} > 0 unless ${ON_TYPE} ${lanes(m.running, BY_TYPE)} > 0 unless ${ON_TYPE} ${consumed('10m')} > 0`,
    summary: `{{ $value }} activities of ${THE_TYPE} wait and nobody runs them`,
    description: `No attempt of ${THE_TYPE} runs and none was handed to a handler for 10 minutes. Look who subscribes: errand workers; then errand doctor --types ${THE_TYPE}.`,
  }),
  rule('ErrandReaperAbsent', 'critical', '5m', 'reaper-absent', {
    expr: [
      `(count by (namespace) (${series(m.slotsLimit)}) unless on (namespace) ${reported})`,
      `(count by (namespace) (${series(m.pending)} offset 1h) unless on (namespace) ${reported})`,
      `absent(${series(m.pending)} >= 0)`,
    ].join(' or '),
    summary: 'No reaper reports',
    description:
      'Nothing takes expired leases back, nothing scheduled or retried becomes ready, and the other alerts are blind. Start one: errand reaper, or workers with ERRAND_WORKER_REAPER=true; then errand doctor.',
  }),
  rule('ErrandOldestPendingTooOld', 'warning', '5m', 'oldest-pending', {
    expr: `${greatest(m.oldestPending, BY_LANE)} > ${THRESHOLDS.oldestPendingS}`,
    summary: `An activity of ${THE_TYPE} has been waiting for {{ $value | humanizeDuration }}`,
    description: `Work of ${THE_TYPE} at priority {{ $labels.${LABELS.priority} }} arrives faster than it is done, or stands still. Look: errand stats, then errand workers. More workers help up to the partitions of a lane.`,
  }),
  rule('ErrandFrontierStuck', 'warning', '2m', 'frontier-stuck', {
    // Where nothing is handed out, another alert tells why.
    expr: `${greatest(m.frontierAge, BY_TYPE)} > ${THRESHOLDS.frontierS} and ${ON_TYPE} ${consumed('10m')} > 0`,
    summary: `A partition of ${THE_TYPE} has not moved for {{ $value | humanizeDuration }}`,
    description: `Work of ${THE_TYPE} goes on, but one partition's committed offset stands: after a crash all behind it is looked at again. Find what holds it: errand doctor --types ${THE_TYPE}.`,
  }),
  rule('ErrandDeadLettersGrowing', 'warning', '0m', 'dead-letters-growing', {
    // The counters miss a type's very first dead letter (a series that begins at 1 has not grown); the gauge misses those that
    // come as fast as others are forgotten.
    expr: `${deadLettered} > 0 or (${lanes(m.deadLetters, BY_TYPE)} - ${lanes(m.deadLetters, BY_TYPE, {}, '15m')}) > 0`,
    summary: `{{ $value | humanize }} new dead letters of ${THE_TYPE} in 15 minutes`,
    description: `Activities of ${THE_TYPE} used up their attempts. See why: errand dlq groups --type ${THE_TYPE}. Once it is mended: errand dlq redrive.`,
  }),
  rule('ErrandLeasesLost', 'warning', '5m', 'leases-lost', {
    expr: `${leasesGone} / ${ON_TYPE} ${consumed('15m')} > ${THRESHOLDS.leaseLostShare} and ${ON_TYPE} ${leasesGone} > ${THRESHOLDS.leaseLostMin}`,
    summary: `{{ $value | humanizePercentage }} of the attempts of ${THE_TYPE} lose their lease`,
    description: `Those attempts run again. Workers die, block their event loop, or do not reach Redis in time. Look for restarts and memory limits, then errand doctor.`,
  }),
  rule('ErrandSchedulerLate', 'warning', '10m', 'scheduler-late', {
    expr: `${quantile(0.95, m.lateness, NAMESPACE, { over: '10m' })} > ${THRESHOLDS.latenessS}`,
    summary: 'Delayed and retried activities become ready {{ $value | humanizeDuration }} late',
    description:
      'Schedulers (in reapers) cannot keep up, or Redis or Kafka is slow. Look: errand doctor; then add a reaper.',
  }),
  rule('ErrandWorkersSaturated', 'warning', '15m', 'workers-saturated', {
    expr: `${added(m.slotsUsed, ['namespace', 'job'])} / ${added(m.slotsLimit, ['namespace', 'job'])} > ${THRESHOLDS.slotsUsedShare} and on (namespace) sum by (namespace) (${lanes(m.pending, BY_TYPE)}) > 0`,
    summary: 'The workers of {{ $labels.job }} use {{ $value | humanizePercentage }} of their slots, and more waits',
    description:
      'Raise ERRAND_WORKER_CONCURRENCY where handlers wait for others, or add workers, up to the partitions of a lane. Look: errand stats.',
  }),
]

function rule(
  alert: string,
  severity: AlertRule['labels']['severity'],
  held: string,
  anchor: string,
  { expr, summary, description }: { readonly expr: string; readonly summary: string; readonly description: string },
): AlertRule {
  const runbook = `${RUNBOOK}#${anchor}`
  return { alert, expr, for: held, labels: { severity }, annotations: { summary, description, runbook } }
}

const GROUP = { name: 'errand', rules: ALERTS } as const

/** The rules as a file of Prometheus. */
export function prometheusRules(): Readonly<Record<string, unknown>> {
  return { groups: [GROUP] }
}

/** The rules for the Prometheus operator. Which label its Prometheus selects rules by is said where this is used. */
export function prometheusRule(): Readonly<Record<string, unknown>> {
  return {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: { name: 'errand', labels: { 'app.kubernetes.io/part-of': 'errand' } },
    spec: { groups: [GROUP] },
  }
}
