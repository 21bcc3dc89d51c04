// What a reader of the SDK gets of gauges: the SDK is real, only its exporter is missing.

import { metrics } from '@opentelemetry/api'
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics'
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { gate } from '../../test/support/worker-setup.ts'
import { otelTelemetry } from './otel.ts'
import { GAUGES } from './semantic-conventions.ts'
import type { GaugeName, GaugeReading } from './telemetry.ts'

/** Collects when told to, and accumulates, as Prometheus's reader does. */
class Reader extends MetricReader {
  async onForceFlush(): Promise<void> {}
  async onShutdown(): Promise<void> {}
}

let reader: Reader
let provider: MeterProvider

beforeEach(() => {
  reader = new Reader()
  provider = new MeterProvider({ readers: [reader, new Reader()] })
})
afterEach(async () => {
  metrics.disable()
  await provider.shutdown()
})

async function collect(from = reader): Promise<ResourceMetrics> {
  const { resourceMetrics, errors } = await from.collect()
  expect(errors).toEqual([])
  return resourceMetrics
}

/** Values by gauge and type. */
async function shown(): Promise<Record<string, number>> {
  const all = (await collect()).scopeMetrics.flatMap(scope => scope.metrics)
  return Object.fromEntries(
    all.flatMap(({ descriptor, dataPoints }) =>
      dataPoints.map(({ attributes, value }) => [
        `${descriptor.name} ${(attributes['messaging.destination.template'] as string | undefined) ?? ''}`.trim(),
        value as number,
      ]),
    ),
  )
}

function pending(type: string, value: number): GaugeReading {
  return { name: 'lane_pending', value, labels: { type, priority: 'high' } }
}

test('a source is asked when somebody collects, and not before', async () => {
  metrics.setGlobalMeterProvider(provider)
  let asked = 0
  otelTelemetry().observe(() => [pending('mail', ++asked)])
  expect(asked).toBe(0)
  expect(await shown()).toEqual({ 'errand.lane.pending mail': 1 })
  const [metric] = (await collect()).scopeMetrics.flatMap(scope => scope.metrics)
  expect(metric?.descriptor).toMatchObject({ unit: '{activity}', description: GAUGES.lane_pending.description })
  expect(metric?.dataPoints[0]).toMatchObject({
    value: 2,
    attributes: {
      ...{ 'messaging.system': 'kafka', 'messaging.destination.template': 'mail', 'errand.activity.priority': 'high' },
    },
  })
})

test('without an SDK nobody is asked; one that comes later shows them with the first figure that is counted', async () => {
  let asked = 0
  const telemetry = otelTelemetry()
  telemetry.observe(() => [pending('mail', ++asked)])
  telemetry.count('claimed', 1, {})
  metrics.setGlobalMeterProvider(provider)
  await collect()
  expect(asked).toBe(0)
  telemetry.count('claimed', 1, {})
  expect(await shown()).toMatchObject({ 'errand.lane.pending mail': 1 })
})

test('ages are ms inside and seconds outside', async () => {
  metrics.setGlobalMeterProvider(provider)
  otelTelemetry().observe(() => [{ name: 'lane_oldest_pending_age', value: 1_500, labels: { type: 'mail' } }])
  expect(await shown()).toEqual({ 'errand.lane.oldest_pending.age mail': 1.5 })
})

test('of one process slots add up, and what all see alike is there once', async () => {
  metrics.setGlobalMeterProvider(provider)
  for (const [used, waiting] of [
    [3, 7],
    [4, 9],
  ] as const) {
    otelTelemetry().observe(() => [{ name: 'slots_used', value: used, labels: {} }, pending('mail', waiting)])
  }
  otelTelemetry().observe(() => [pending('mail', Number.NaN)])
  expect(await shown()).toEqual({ 'errand.worker.slots.used': 7, 'errand.lane.pending mail': 9 })
})

test('readers that collect at once share one question', async () => {
  const [first, second] = [new Reader(), new Reader()]
  metrics.setGlobalMeterProvider((provider = new MeterProvider({ readers: [first, second] })))
  const { opened, open } = gate()
  let asked = 0
  otelTelemetry().observe(async () => {
    asked += 1
    await opened
    return [pending('mail', asked)]
  })
  const both = Promise.all([collect(first), collect(second)])
  open()
  const values = (await both).map(each => each.scopeMetrics[0]?.metrics[0]?.dataPoints.at(-1)?.value)
  expect([asked, values]).toEqual([1, [1, 1]])
})

test('a source that fails is told of once in a row, shows no number, and leaves others theirs', async () => {
  metrics.setGlobalMeterProvider(provider)
  let failure: Error | undefined
  const told: unknown[] = []
  const telemetry = otelTelemetry()
  telemetry.observe(
    () => {
      if (failure !== undefined) throw failure
      return [pending('mail', 5)]
    },
    error => told.push(error),
  )
  telemetry.observe(async () => [{ name: 'slots_limit', value: 50, labels: {} }])
  expect(await shown()).toEqual({ 'errand.lane.pending mail': 5, 'errand.worker.slots.limit': 50 })
  failure = new Error('Kafka is away')
  for (let time = 0; time < 3; time++) {
    expect(await shown()).toEqual({ 'errand.lane.pending mail': Number.NaN, 'errand.worker.slots.limit': 50 })
  }
  expect(told).toEqual([failure])
  failure = undefined
  expect(await shown()).toMatchObject({ 'errand.lane.pending mail': 5 })
  failure = new Error('Kafka is away again')
  await shown()
  expect(told).toHaveLength(2)
})

test('a lane that is gone shows 0; a source that was taken off is not asked, has no slots, and knows of no lane', async () => {
  metrics.setGlobalMeterProvider(provider)
  let types = ['mail', 'fax']
  let asked = 0
  const end = otelTelemetry().observe(() => {
    asked += 1
    return [...types.map(type => pending(type, 5)), { name: 'slots_used', value: 1, labels: {} }]
  })
  await collect()
  types = ['mail']
  const fax = { 'errand.lane.pending fax': 0 }
  expect(await shown()).toEqual({ 'errand.lane.pending mail': 5, 'errand.worker.slots.used': 1, ...fax })
  end()
  expect(await shown()).toEqual({ 'errand.lane.pending mail': Number.NaN, 'errand.worker.slots.used': 0, ...fax })
  expect(asked).toBe(2)
})

test('what is counted is told with its unit, times in seconds', async () => {
  metrics.setGlobalMeterProvider(provider)
  const telemetry = otelTelemetry()
  telemetry.observe(() => (Object.keys(GAUGES) as GaugeName[]).map(name => ({ name, value: 1, labels: {} })))
  for (const name of ['requeued', 'rebalances', 'rebuilds'] as const) telemetry.count(name, 1, {})
  for (const name of ['lateness', 'side_store'] as const) telemetry.duration(name, 1, { script: 'claim' })
  const all = (await collect()).scopeMetrics.flatMap(scope => scope.metrics)
  expect(Object.fromEntries(all.map(({ descriptor: { name, unit } }) => [name, unit]))).toEqual({
    'errand.lane.pending': '{activity}',
    'errand.lane.running': '{activity}',
    'errand.lane.scheduled': '{activity}',
    'errand.lane.dead_letters': '{activity}',
    'errand.lane.oldest_pending.age': 's',
    'errand.frontier.hold': '{offset}',
    'errand.frontier.hold.age': 's',
    'errand.worker.slots.used': '{slot}',
    'errand.worker.slots.limit': '{slot}',
    'errand.activity.requeued': '{activity}',
    'errand.consumer.rebalances': '{rebalance}',
    'errand.consumer.rebuilds': '{rebuild}',
    'errand.scheduler.lateness': 's',
    'errand.side_store.duration': 's',
  })
})
