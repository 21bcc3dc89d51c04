// What a figure is called in Prometheus. There are two ways there, and they disagree about units:
//
//   /metrics, scraped      errand.lane.oldest_pending.age → errand_lane_oldest_pending_age
//   OTLP, translated       errand.lane.oldest_pending.age → errand_lane_oldest_pending_age_seconds
//
// OpenTelemetry's exporter for Node says the unit in a comment, a collector and Prometheus's own OTLP door say it in the name.
// Whatever has no unit, or one in braces, has one name. Queries are written so that they find both.

import type { Metric } from './metrics.ts'

/** Under which name `/metrics` has a figure; a histogram's series end in `_bucket`, `_sum` and `_count` beside it. */
export function scrapedName({ name, kind }: Pick<Metric, 'name' | 'kind'>): string {
  const plain = labelName(name)
  return kind === 'counter' && !plain.endsWith('_total') ? `${plain}_total` : plain
}

/** What OTLP's translation puts behind the name for the unit: nothing where both ways agree. */
export function unitSuffix({ name, unit }: Pick<Metric, 'name' | 'unit'>): string {
  return unit === 's' && !name.endsWith('seconds') ? '_seconds' : ''
}

/** What an attribute is called as a label. */
export function labelName(attribute: string): string {
  return attribute.replaceAll(/[^a-zA-Z0-9_]/g, '_').replaceAll(/_{2,}/g, '_')
}
