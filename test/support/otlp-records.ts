// What exporters send as OTLP/JSON, as far as tests look at it. Source: opentelemetry-proto 1.x, its JSON form: ids are hex text,
// 64-bit integers text or numbers, enums numbers.

import { z } from 'zod'

/** A span, as it was exported. */
export interface ReceivedSpan {
  readonly service: string
  readonly name: string
  readonly kind: 'internal' | 'server' | 'client' | 'producer' | 'consumer'
  readonly traceId: string
  readonly spanId: string
  /** '' for a root. */
  readonly parentSpanId: string
  readonly links: readonly ReceivedLink[]
  readonly attributes: Readonly<Record<string, unknown>>
  readonly isError: boolean
  readonly statusMessage: string
  /** Nanoseconds since the epoch. */
  readonly startNs: bigint
  readonly endNs: bigint
}

/** A link of a span. */
export interface ReceivedLink {
  readonly traceId: string
  readonly spanId: string
  readonly attributes: Readonly<Record<string, unknown>>
}

/**
 * A point of a metric. Of a histogram `value` is how many were recorded; NaN, "not known" of a gauge, comes as null, since JSON has
 * no word for it.
 */
export interface ReceivedPoint {
  readonly service: string
  readonly name: string
  readonly unit: string
  readonly kind: 'sum' | 'gauge' | 'histogram'
  readonly attributes: Readonly<Record<string, unknown>>
  readonly value: number
}

const KINDS = [undefined, 'internal', 'server', 'client', 'producer', 'consumer'] as const
const STATUS_ERROR = 2

const whole = z.union([z.string().regex(/^\d+$/), z.int().min(0)])
const scalar = z.union([
  z.strictObject({ stringValue: z.string() }).transform(value => value.stringValue),
  z.strictObject({ intValue: z.union([z.string(), z.number()]) }).transform(value => Number(value.intValue)),
  z.strictObject({ doubleValue: z.number() }).transform(value => value.doubleValue),
  z.strictObject({ boolValue: z.boolean() }).transform(value => value.boolValue),
  z.strictObject({ arrayValue: z.unknown() }).transform(value => value.arrayValue),
])
const attributes = z
  .array(z.object({ key: z.string(), value: scalar }))
  .default([])
  .transform(all => Object.fromEntries(all.map(({ key, value }): [string, unknown] => [key, value])))
const traceId = z.string().regex(/^[0-9a-f]{32}$/)
const spanId = z.string().regex(/^[0-9a-f]{16}$/)
const resource = z.object({ attributes })

const span = z.object({
  traceId,
  spanId,
  parentSpanId: z.union([spanId, z.literal('')]).default(''),
  name: z.string(),
  kind: z.int().min(1).max(5),
  startTimeUnixNano: whole,
  endTimeUnixNano: whole,
  attributes,
  links: z.array(z.object({ traceId, spanId, attributes })).default([]),
  status: z.object({ code: z.int().default(0), message: z.string().default('') }).default({ code: 0, message: '' }),
})
const traces = z.object({
  resourceSpans: z.array(z.object({ resource, scopeSpans: z.array(z.object({ spans: z.array(span) })) })),
})

const numberPoint = z.object({
  attributes,
  asInt: z.union([whole, z.number()]).optional(),
  asDouble: z.number().nullish(),
})
const metric = z.object({
  name: z.string(),
  unit: z.string().default(''),
  sum: z.object({ dataPoints: z.array(numberPoint) }).optional(),
  gauge: z.object({ dataPoints: z.array(numberPoint) }).optional(),
  histogram: z.object({ dataPoints: z.array(z.object({ attributes, count: whole })) }).optional(),
})
const exported = z.object({
  resourceMetrics: z.array(z.object({ resource, scopeMetrics: z.array(z.object({ metrics: z.array(metric) })) })),
})

/** The spans of one export. Throws when it is none. */
export function spansOf(body: unknown): ReceivedSpan[] {
  return traces
    .parse(body)
    .resourceSpans.flatMap(({ resource: { attributes: of }, scopeSpans }) =>
      scopeSpans.flatMap(({ spans }) => spans.map(each => receivedSpan(String(of['service.name']), each))),
    )
}

function receivedSpan(service: string, sent: z.output<typeof span>): ReceivedSpan {
  const { kind, startTimeUnixNano, endTimeUnixNano, status, ...same } = sent
  return {
    ...same,
    service,
    kind: KINDS[kind] ?? 'internal',
    isError: status.code === STATUS_ERROR,
    statusMessage: status.message,
    startNs: BigInt(startTimeUnixNano),
    endNs: BigInt(endTimeUnixNano),
  }
}

/** The points of one export. Throws when it is none. */
export function pointsOf(body: unknown): ReceivedPoint[] {
  return exported
    .parse(body)
    .resourceMetrics.flatMap(({ resource: { attributes: of }, scopeMetrics }) =>
      scopeMetrics.flatMap(({ metrics }) => metrics.flatMap(each => receivedPoints(String(of['service.name']), each))),
    )
}

function receivedPoints(
  service: string,
  { name, unit, sum, gauge, histogram }: z.output<typeof metric>,
): ReceivedPoint[] {
  const numbers = (kind: 'sum' | 'gauge', points: readonly z.output<typeof numberPoint>[] = []): ReceivedPoint[] =>
    points.map(point => {
      const value = Number(point.asInt ?? point.asDouble ?? Number.NaN)
      return { service, name, unit, kind, attributes: point.attributes, value }
    })
  const counts = (histogram?.dataPoints ?? []).map(point => {
    return { service, name, unit, kind: 'histogram' as const, attributes: point.attributes, value: Number(point.count) }
  })
  return [...numbers('sum', sum?.dataPoints), ...numbers('gauge', gauge?.dataPoints), ...counts]
}
