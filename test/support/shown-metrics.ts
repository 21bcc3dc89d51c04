// What `/metrics` would show of a client, a worker and its reaper who have lived through a little of everything, on memory: the
// real telemetry, a real OpenTelemetry SDK and the serializer of its Prometheus exporter.

import { metrics } from '@opentelemetry/api'
import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus'
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import { z } from 'zod'
import { Client } from '../../src/client/client.ts'
import { defineActivity } from '../../src/client/define-activity.ts'
import { MemoryStorage } from '../../src/storage/memory/memory-storage.ts'
import { otelTelemetry } from '../../src/telemetry/otel.ts'
import { Worker } from '../../src/worker/worker.ts'
import { many } from './worker-setup.ts'

/** The labels of one series, as `/metrics` shows them. */
export interface ShownSeries {
  readonly name: string
  readonly labels: readonly string[]
}

class PullReader extends MetricReader {
  protected override async onShutdown(): Promise<void> {
    // Nothing is open.
  }
  protected override async onForceFlush(): Promise<void> {
    // Nothing is kept back.
  }
}

/** The text of `/metrics` afterwards. Registers a meter provider for this process, and takes it away again. */
export async function exposition(): Promise<string> {
  const reader = new PullReader()
  const provider = new MeterProvider({ readers: [reader] })
  metrics.setGlobalMeterProvider(provider)
  try {
    return await liveALittle(async () => {
      const { resourceMetrics } = await reader.collect()
      return new PrometheusSerializer().serialize(resourceMetrics)
    })
  } finally {
    metrics.disable()
    await provider.shutdown()
  }
}

/** The series of a text. */
export function shownSeries(text: string): ShownSeries[] {
  return text.split('\n').flatMap(line => {
    const [, name, labels = ''] = /^(\w+)(?:\{(.*)\})? \S+$/.exec(line) ?? []
    return name === undefined ? [] : [{ name, labels: [...labels.matchAll(/(\w+)="/g)].map(([, label = '']) => label) }]
  })
}

const good = defineActivity({ type: 'good', input: z.null(), output: z.unknown() })
const bad = defineActivity({ type: 'bad', input: z.null(), output: z.unknown(), maxAttempts: 2, retryDelayMs: 1 })

async function liveALittle<T>(look: () => Promise<T>): Promise<T> {
  await using storage = new MemoryStorage()
  const telemetry = otelTelemetry()
  const client = new Client({ storage, telemetry })
  await using worker = new Worker({ storage, telemetry, reaper: { scheduleIntervalMs: 10 } })
  worker.handle(good, () => null)
  worker.handle(bad, () => {
    throw new TypeError('always')
  })
  const ended = many(worker, 'settled', 3) // completed, retrying, dead letter
  await worker.start()
  await client.enqueue(good, null, { key: 'once' })
  await client.enqueue(good, null, { key: 'once' })
  await client.enqueue(bad, null)
  await ended
  return await look()
}
