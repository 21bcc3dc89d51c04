// The counters and durations of the messaging conventions, as an SDK collects them.

import { metrics } from '@opentelemetry/api'
import type { CollectionResult } from '@opentelemetry/sdk-metrics'
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { Client } from '../client/client.ts'
import { defineActivity } from '../client/define-activity.ts'
import { MemoryStorage } from '../storage/memory/memory-storage.ts'
import { many, turns } from '../../test/support/worker-setup.ts'
import { Worker } from '../worker/worker.ts'
import { otelTelemetry } from './otel.ts'

class Reader extends MetricReader {
  protected override async onShutdown(): Promise<void> {}
  protected override async onForceFlush(): Promise<void> {}
}

const reader = new Reader()
beforeAll(() => void metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] })))
afterAll(() => metrics.disable())

/** What was collected of one instrument: each point's attributes, with its value. */
function pointsOf({ resourceMetrics }: CollectionResult, name: string): Record<string, unknown>[] {
  const all = resourceMetrics.scopeMetrics.flatMap(scope => scope.metrics)
  const points = all.filter(({ descriptor }) => descriptor.name === name).flatMap(({ dataPoints }) => [...dataPoints])
  return points.map(({ attributes, value }) => ({ ...attributes, value }))
}

test('messages are counted as sent and as consumed, operations and runs are timed, and no id is among the attributes', async () => {
  const work = defineActivity({ type: 'counted', input: z.unknown(), maxAttempts: 2, retryDelayMs: 0 })
  const storage = new MemoryStorage()
  const telemetry = otelTelemetry()
  const client = new Client({ storage, telemetry })
  const worker = new Worker({ storage, telemetry, reaper: false, workerId: 'w1' })
  worker.handle(work, input => {
    if (input === 'bad') throw Object.assign(new Error('no'), { code: 'E_BAD' })
  })
  await client.enqueue(work, 'good')
  const { id } = await client.enqueue(work, 'bad')
  const settled = many(worker, 'settled', 3)
  await worker.start()
  await settled
  await turns()
  await worker.stop()
  const collected = await reader.collect()
  const values = (name: string) => pointsOf(collected, name)
  const type = { 'messaging.system': 'kafka', 'messaging.destination.template': 'counted' }
  const sent = { ...type, 'messaging.operation.name': 'send' }
  const process = { ...type, 'messaging.operation.name': 'process' }
  expect(values('messaging.client.sent.messages')).toEqual([
    { ...sent, 'errand.activity.outcome': 'created', value: 2 },
  ])
  const consumed = [
    { ...process, 'errand.activity.outcome': 'returned', value: 1 },
    { ...process, 'errand.activity.outcome': 'threw', 'error.type': 'E_BAD', value: 2 },
  ]
  expect(values('messaging.client.consumed.messages')).toEqual(expect.arrayContaining(consumed))
  const runs = values('messaging.process.duration')
  expect(runs).toEqual(consumed.map(each => expect.objectContaining({ ...each, value: expect.anything() })))
  const operations = values('messaging.client.operation.duration')
  expect(operations.map(each => each['messaging.operation.name']).toSorted()).toEqual([
    'send',
    'settle',
    'settle',
    'settle',
  ])
  const text = JSON.stringify(collected.resourceMetrics.scopeMetrics)
  expect(text).not.toContain(id)
  expect(collected.errors).toEqual([])
})
