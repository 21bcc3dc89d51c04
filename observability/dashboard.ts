// Errand's dashboard: what is asked first stands first. `npm run dashboards` writes it to `grafana/errand.json`.

import type { Panel, Query, Row } from './grafana-model.ts'
import { layOut, variablesJson } from './grafana-model.ts'
import type { Label, Metric } from './metrics.ts'
import { LABELS, METRICS } from './metrics.ts'
import type { Matchers } from './promql.ts'
import { BY_TYPE, added, greatest, growthOfAll, lanes, perSecond, quantile, series } from './promql.ts'
import { scrapedName } from './prometheus-names.ts'

const m = METRICS
const { type, priority, outcome, operation, script } = LABELS
const LANE_LEGEND = `{{${type}}} {{${priority}}}`
const TYPE_LEGEND = `{{${type}}}`
const PRIORITY: readonly Label[] = ['namespace', type, priority]

/** What the choices above the dashboard mean for a figure: only some have a type. */
function chosen(metric: Metric, more: Matchers = {}): Matchers {
  return {
    namespace: { op: '=~', value: '$namespace' },
    job: { op: '=~', value: '$job' },
    ...(metric.labels.includes(type) ? { [type]: { op: '=~', value: '$type' } } : {}),
    ...more,
  }
}

const is = (label: Label, value: string): Matchers => ({ [label]: { op: '=', value } })
const query = (expr: string, legend: string): Query => ({ expr, legend })
const chart = (panel: Omit<Panel, 'kind'>): Panel => ({ kind: 'timeseries', ...panel })
const figure = (
  title: string,
  unit: string,
  expr: string,
  says: string,
  limits?: readonly [number, number],
): Panel => ({
  ...{ kind: 'stat', title, unit, says, queries: [query(expr, '')] },
  ...(limits === undefined ? {} : { limits }),
})
const rate = (metric: Metric, by: readonly Label[], more: Matchers = {}): string =>
  perSecond(metric, by, chosen(metric, more))
const standing = (metric: Metric, by: readonly Label[]): string => lanes(metric, by, chosen(metric))
const quantiles = (metric: Metric, by: readonly Label[], legend: string, more: Matchers = {}): Query[] =>
  [0.5, 0.95, 0.99].map(q =>
    query(quantile(q, metric, by, { matchers: chosen(metric, more) }), `p${q * 100} ${legend}`.trim()),
  )

const DEAD_LETTERS: readonly Metric[] = [m.settled, m.requeued]
const deadLettered = (by: readonly Label[], over: string): string =>
  growthOfAll(
    DEAD_LETTERS,
    by,
    over,
    DEAD_LETTERS.map(metric => chosen(metric, is(outcome, 'dead_letter'))),
  )

const HEALTH: Row = {
  title: 'Health',
  panels: [
    figure(
      'Oldest waiting',
      's',
      `max(${greatest(m.oldestPending, BY_TYPE, chosen(m.oldestPending))})`,
      'How long the oldest ready activity has waited. It grows also where nothing runs, when histograms of waits fall silent.',
      [60, 300],
    ),
    figure('Waiting', 'short', `sum(${standing(m.pending, BY_TYPE)})`, 'Ready activities that nobody runs yet.'),
    figure('Running', 'short', `sum(${standing(m.running, BY_TYPE)})`, 'Attempts under a lease.'),
    figure(
      'Dead letters, 1 h',
      'short',
      `sum(${deadLettered(BY_TYPE, '1h')})`,
      'Activities that used up their attempts in the last hour.',
      [1, 20],
    ),
    figure('Workers', 'short', `count(${series(m.slotsLimit, chosen(m.slotsLimit))})`, 'Worker processes that report.'),
    figure(
      'Reapers',
      'short',
      `count(count by (namespace, job, instance) (${series(m.pending, chosen(m.pending))}))`,
      'Processes that do the housekeeping and report how lanes stand. None: nothing is retried, scheduled or taken back.',
    ),
  ],
}

const FLOW: Row = {
  title: 'Flow',
  panels: [
    chart({
      title: 'In and out',
      unit: 'ops',
      says: 'Accepted and ended activities per second. In above out for long: more workers, or more partitions.',
      queries: [
        query(`sum(${rate(m.enqueued, BY_TYPE)})`, 'enqueued'),
        query(`sum by (${outcome}) (${rate(m.settled, [...BY_TYPE, outcome])})`, `{{${outcome}}}`),
      ],
    }),
    chart({
      title: 'Waiting, by lane',
      unit: 'short',
      isStacked: true,
      says: 'Ready activities by type and priority.',
      queries: [query(standing(m.pending, PRIORITY), LANE_LEGEND)],
    }),
    chart({
      title: 'Oldest waiting, by lane',
      unit: 's',
      says: 'Age of the oldest ready activity of each lane.',
      queries: [query(greatest(m.oldestPending, PRIORITY, chosen(m.oldestPending)), LANE_LEGEND)],
    }),
    chart({
      title: 'Running, by type',
      unit: 'short',
      isStacked: true,
      says: 'Attempts under a lease.',
      queries: [query(standing(m.running, BY_TYPE), TYPE_LEGEND)],
    }),
    chart({
      title: 'Scheduled, by type',
      unit: 'short',
      isStacked: true,
      says: 'Activities that wait for their time, retries among them.',
      queries: [query(standing(m.scheduled, BY_TYPE), TYPE_LEGEND)],
    }),
    chart({
      title: 'Enqueues that met their key',
      unit: 'ops',
      says: 'Enqueues answered with an activity that was there already.',
      queries: [query(rate(m.deduplicated, BY_TYPE), TYPE_LEGEND)],
    }),
  ],
}

const LATENCY: Row = {
  title: 'Latency',
  panels: [
    chart({
      title: 'Wait: due to start',
      unit: 's',
      isLogarithmic: true,
      says: 'From when an attempt was due to when its handler began.',
      queries: quantiles(m.wait, ['namespace'], ''),
    }),
    chart({
      title: 'Run: handlers',
      unit: 's',
      isLogarithmic: true,
      says: 'From handler start to handler end, p95 by type.',
      queries: [query(quantile(0.95, m.run, BY_TYPE, { matchers: chosen(m.run) }), TYPE_LEGEND)],
    }),
    chart({
      title: 'Total: created to completed',
      unit: 's',
      isLogarithmic: true,
      says: 'Delays and retries included, p95 by type.',
      queries: [query(quantile(0.95, m.total, BY_TYPE, { matchers: chosen(m.total) }), TYPE_LEGEND)],
    }),
    chart({
      title: 'Enqueue',
      unit: 's',
      isLogarithmic: true,
      says: 'As the caller waits: until every in-sync replica has the record.',
      queries: quantiles(m.client, ['namespace'], '', is(operation, 'send')),
    }),
    chart({
      title: 'Settle',
      unit: 's',
      isLogarithmic: true,
      says: 'From a handler’s end until Redis and Kafka have it.',
      queries: quantiles(m.client, ['namespace'], '', is(operation, 'settle')),
    }),
    chart({
      title: 'Scheduler lateness',
      unit: 's',
      isLogarithmic: true,
      says: 'From due to ready. Never negative.',
      queries: quantiles(m.lateness, ['namespace'], ''),
    }),
  ],
}

const FAILURES: Row = {
  title: 'Retries and dead letters',
  panels: [
    chart({
      title: 'Retries',
      unit: 'ops',
      says: 'Attempts that failed and come again.',
      queries: [query(rate(m.settled, BY_TYPE, is(outcome, 'retrying')), TYPE_LEGEND)],
    }),
    chart({
      title: 'Failed for good',
      unit: 'ops',
      says: 'Ended without a retry: a handler said so, or the payload did not fit its schema.',
      queries: [query(rate(m.settled, BY_TYPE, is(outcome, 'failed')), TYPE_LEGEND)],
    }),
    chart({
      title: 'Dead letters, last 15 min',
      unit: 'short',
      says: 'Attempts used up: by failures, or by leases that expired.',
      queries: [query(deadLettered(BY_TYPE, '15m'), TYPE_LEGEND)],
    }),
    chart({
      title: 'Dead letters remembered',
      unit: 'short',
      says: 'As Redis counts them while it remembers them; the DLQ keeps them longer.',
      queries: [query(standing(m.deadLetters, BY_TYPE), TYPE_LEGEND)],
    }),
    chart({
      title: 'Leases',
      unit: 'ops',
      says: 'Lost: a worker went on too long without renewing. Taken back: a worker died or hung.',
      queries: [
        query(rate(m.leaseLost, BY_TYPE), `lost ${TYPE_LEGEND}`),
        query(rate(m.requeued, BY_TYPE), `taken back ${TYPE_LEGEND}`),
      ],
    }),
    chart({
      title: 'Withheld and overrun',
      unit: 'ops',
      says: 'Withheld: last failures beyond the dead-letter budget. Overrun: handlers that ignored their timeout.',
      queries: [
        query(rate(m.withheld, BY_TYPE), `withheld ${TYPE_LEGEND}`),
        query(rate(m.overrun, BY_TYPE), `overrun ${TYPE_LEGEND}`),
      ],
    }),
  ],
}

const KAFKA: Row = {
  title: 'Kafka',
  panels: [
    chart({
      title: 'Lag, by type',
      unit: 'short',
      says: 'What waits in the log and is not finished: consumer lag without what is finished ahead of the frontier.',
      queries: [query(standing(m.pending, BY_TYPE), TYPE_LEGEND)],
    }),
    chart({
      title: 'Frontier hold',
      unit: 'short',
      says: 'Offsets finished ahead of the frontier, which something unfinished holds back.',
      queries: [query(standing(m.frontierHold, PRIORITY), LANE_LEGEND)],
    }),
    chart({
      title: 'Frontier not moved for',
      unit: 's',
      says: 'Of the partition with work that stands longest. Attempts above five minutes do not hold it.',
      queries: [query(greatest(m.frontierAge, PRIORITY, chosen(m.frontierAge)), LANE_LEGEND)],
    }),
    chart({
      title: 'Rebalances',
      unit: 'ops',
      says: 'Each start and stop of a worker is one; without those, members are being expelled.',
      queries: [query(rate(m.rebalances, BY_TYPE), TYPE_LEGEND)],
    }),
    chart({
      title: 'Consumers rebuilt',
      unit: 'ops',
      says: 'Consumers that had died and were made anew.',
      queries: [query(rate(m.rebuilds, BY_TYPE), TYPE_LEGEND)],
    }),
  ],
}

const REDIS: Row = {
  title: 'Redis',
  panels: [
    chart({
      title: 'Side-store calls',
      unit: 's',
      isLogarithmic: true,
      says: 'Time of a script call, as the caller waits.',
      queries: quantiles(m.sideStore, ['namespace'], ''),
    }),
    chart({
      title: 'Side-store p95, by script',
      unit: 's',
      isLogarithmic: true,
      says: 'Which script is slow.',
      queries: [
        query(quantile(0.95, m.sideStore, ['namespace', script], { matchers: chosen(m.sideStore) }), `{{${script}}}`),
      ],
    }),
    chart({
      title: 'Claims',
      unit: 'ops',
      says: 'Attempts claimed per second.',
      queries: [query(rate(m.claimed, ['namespace', 'job']), '{{job}}')],
    }),
  ],
}

const RUNTIME: Row = {
  title: 'Runtime',
  panels: [
    chart({
      title: 'Slots',
      unit: 'short',
      says: 'Handlers that run, and how many may. Used at the limit for long: raise concurrency, or add workers.',
      queries: [
        query(added(m.slotsUsed, ['namespace', 'job'], chosen(m.slotsUsed)), 'used {{job}}'),
        query(added(m.slotsLimit, ['namespace', 'job'], chosen(m.slotsLimit)), 'limit {{job}}'),
      ],
    }),
    chart({
      title: 'Slots used, by worker',
      unit: 'percentunit',
      says: 'Uneven: partitions of the busy lane are uneven, or some workers own none.',
      queries: [
        query(
          `${added(m.slotsUsed, ['namespace', 'job', 'instance'], chosen(m.slotsUsed))} / ${added(m.slotsLimit, ['namespace', 'job', 'instance'], chosen(m.slotsLimit))}`,
          '{{instance}}',
        ),
      ],
    }),
    chart({
      title: 'Attempts handed to handlers',
      unit: 'ops',
      says: 'By worker process.',
      queries: [query(rate(m.consumed, ['namespace', 'job', 'instance']), '{{instance}}')],
    }),
  ],
}

/** The dashboard's rows, for whoever wants to look at its queries. */
export const ROWS: readonly Row[] = [HEALTH, FLOW, LATENCY, FAILURES, KAFKA, REDIS, RUNTIME]

/** The dashboard as Grafana imports it. */
export function dashboardJson(): Readonly<Record<string, unknown>> {
  const pending = scrapedName(m.pending)
  const labelled = (label: Label, matchers: string): string => `label_values(${pending}${matchers}, ${label})`
  return {
    uid: 'errand',
    title: 'Errand',
    description: 'Made by observability/dashboard.ts: change it there, then run `npm run dashboards`.',
    tags: ['errand'],
    schemaVersion: 39,
    editable: true,
    graphTooltip: 1,
    refresh: '30s',
    time: { from: 'now-3h', to: 'now' },
    timezone: 'browser',
    templating: {
      list: variablesJson([
        { name: 'namespace', label: 'Namespace', query: labelled('namespace', '') },
        { name: 'job', label: 'Job', query: 'label_values({__name__=~"errand_.+"}, job)' },
        { name: 'type', label: 'Type', query: labelled(type, '{namespace=~"$namespace"}') },
      ]),
    },
    annotations: { list: [] },
    links: [],
    panels: layOut(ROWS),
  }
}
