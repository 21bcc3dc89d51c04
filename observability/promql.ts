// Queries, put together from checked parts: a label that a figure does not carry is refused where it is written, since
// Prometheus would only answer nothing.

import type { Label, Metric } from './metrics.ts'
import { LABELS, SCRAPE_LABELS } from './metrics.ts'
import { scrapedName, unitSuffix } from './prometheus-names.ts'

/** A condition on a label, by the label's name. */
export type Matchers = Readonly<
  Partial<Record<Label, { readonly op: '=' | '=~' | '!=' | '!~'; readonly value: string }>>
>

/** Where the deployment stands: figures of several Errands in one Prometheus are told apart by it. */
export const DEPLOYMENT = 'namespace'
/** Type by type. */
export const BY_TYPE: readonly Label[] = [DEPLOYMENT, LABELS.type]
/** Lane by lane. */
export const BY_LANE: readonly Label[] = [...BY_TYPE, LABELS.priority]

/** The series of a figure, under either of its names. `part`: of a histogram. */
export function series(metric: Metric, matchers: Matchers = {}, part: '' | '_bucket' | '_count' | '_sum' = ''): string {
  const conditions = Object.entries(matchers).map(([label, { op, value }]) => {
    carried(metric, [label as Label])
    return `${label}${op}"${value}"`
  })
  const suffix = unitSuffix(metric)
  const name = scrapedName(metric)
  if (suffix === '') return `${name}${part}${conditions.length === 0 ? '' : `{${conditions.join(',')}}`}`
  return `{${[`__name__=~"${name}(${suffix})?${part}"`, ...conditions].join(',')}}`
}

/**
 * A gauge that every reaper reports alike, lane by lane: the greatest of them, since one may be a moment behind. Added up where
 * fewer labels are asked for.
 */
export function lanes(metric: Metric, by: readonly Label[], matchers: Matchers = {}, offset = ''): string {
  const each = `max by (${BY_LANE.join(', ')}) (${series(metric, matchers)}${offset === '' ? '' : ` offset ${offset}`})`
  return by.length === BY_LANE.length ? each : `sum by (${by.join(', ')}) (${each})`
}

/** The greatest of a gauge: an age is not added up. */
export function greatest(metric: Metric, by: readonly Label[], matchers: Matchers = {}): string {
  return `max by (${carried(metric, by).join(', ')}) (${series(metric, matchers)})`
}

/** What a gauge says of each process, added up. */
export function added(metric: Metric, by: readonly Label[], matchers: Matchers = {}): string {
  return `sum by (${carried(metric, by).join(', ')}) (${series(metric, matchers)})`
}

/** A counter, per second. */
export function perSecond(metric: Metric, by: readonly Label[], matchers: Matchers = {}): string {
  return `sum by (${carried(metric, by).join(', ')}) (rate(${series(metric, matchers)}[$__rate_interval]))`
}

/** By how much a counter grew. */
export function growth(metric: Metric, by: readonly Label[], over: string, matchers: Matchers = {}): string {
  return `sum by (${carried(metric, by).join(', ')}) (increase(${series(metric, matchers)}[${over}]))`
}

/**
 * By how much several counters grew together. `increase` drops their names, and `or` would then drop what looks alike in both,
 * so each keeps a label that says which it is.
 */
export function growthOfAll(
  metrics: readonly Metric[],
  by: readonly Label[],
  over: string,
  each: readonly Matchers[],
): string {
  const parts = metrics.map((metric, at) => {
    carried(metric, by)
    return `label_replace(increase(${series(metric, each[at])}[${over}]), "counter", "${scrapedName(metric)}", "", "")`
  })
  return `sum by (${by.join(', ')}) (${parts.join(' or ')})`
}

/** A quantile of a histogram, in seconds. */
export function quantile(
  q: number,
  metric: Metric,
  by: readonly Label[],
  { matchers = {}, over = '$__rate_interval' }: { readonly matchers?: Matchers; readonly over?: string } = {},
): string {
  const groups = [...carried(metric, by), 'le'].join(', ')
  return `histogram_quantile(${q}, sum by (${groups}) (rate(${series(metric, matchers, '_bucket')}[${over}])))`
}

/** The labels, all of which the figure must have. */
function carried(metric: Metric, labels: readonly Label[]): readonly Label[] {
  const known: readonly string[] = [...SCRAPE_LABELS, ...metric.labels]
  const strange = labels.filter(label => !known.includes(label))
  if (strange.length === 0) return labels
  throw new TypeError(`${metric.name} has no label ${strange.join(', ')}; it has ${known.join(', ')}.`)
}
