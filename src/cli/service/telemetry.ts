// Starts the OpenTelemetry SDK for a long-running command, as the standard OTEL_* variables say, and gives what `/metrics`
// answers with. Traces and OTLP metrics go out only where somebody said to where: without a collector the SDK would
// complain every few seconds about one at localhost.

import type { MetricReader } from '@opentelemetry/sdk-metrics'
import type { Env } from './otlp-environment.ts'
import { isSent } from './otlp-environment.ts'
import type { HttpHandler } from './health-server.ts'

/** Running telemetry. */
export interface RunningTelemetry {
  /** Prometheus' text format; undefined with OTEL_SDK_DISABLED=true. */
  readonly metrics: HttpHandler | undefined
  /** Sends what is left. Never rejects; bounded by the exporters' own timeouts. */
  shutdown(): Promise<void>
}

/** Unit: ms. A collector that is away must not hold up the end of a process. */
const SHUTDOWN_MS_MAX = 3_000

/** Registers an SDK. Before anything that makes spans or figures. */
export async function startTelemetry(serviceName: string, env: Env = process.env): Promise<RunningTelemetry> {
  if (env['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true') {
    return { metrics: undefined, shutdown: () => Promise.resolve() }
  }
  // The SDK reads these itself, from the process. What is set stays.
  setDefault(env, 'OTEL_TRACES_EXPORTER', isSent(env, 'TRACES') ? 'otlp' : 'none')
  setDefault(env, 'OTEL_LOGS_EXPORTER', 'none')
  // Not the process's own: its command line may hold a password.
  setDefault(env, 'OTEL_NODE_RESOURCE_DETECTORS', 'env,host,os,serviceinstance')
  if (!(env['OTEL_RESOURCE_ATTRIBUTES'] ?? '').includes('service.name='))
    setDefault(env, 'OTEL_SERVICE_NAME', serviceName)
  const [{ NodeSDK }, { PrometheusExporter }] = await Promise.all([
    import('@opentelemetry/sdk-node'),
    import('@opentelemetry/exporter-prometheus'),
  ])
  const prometheus = new PrometheusExporter({ preventServerStart: true })
  const sdk = new NodeSDK({ metricReaders: [prometheus, ...(await otlpReaders(env))] })
  sdk.start()
  return {
    metrics: (request, response) => prometheus.getMetricsRequestHandler(request, response),
    shutdown: async () => {
      const late = new Promise<void>(resolve => setTimeout(resolve, SHUTDOWN_MS_MAX).unref())
      // What could not be sent was said by the exporter.
      await Promise.race([sdk.shutdown().catch(() => undefined), late])
    },
  }
}

/** Metrics by OTLP beside Prometheus, where an endpoint is named and OTEL_METRICS_EXPORTER does not say otherwise. */
async function otlpReaders(env: Env): Promise<MetricReader[]> {
  const asked = env['OTEL_METRICS_EXPORTER']?.trim() ?? ''
  const isWanted = asked === '' ? isSent(env, 'METRICS') : asked.split(',').includes('otlp')
  if (!isWanted) return []
  const [{ PeriodicExportingMetricReader }, exporter] = await Promise.all([
    import('@opentelemetry/sdk-metrics'),
    otlpExporter(env),
  ])
  const exportIntervalMillis = Number(env['OTEL_METRIC_EXPORT_INTERVAL'] ?? 60_000)
  const exportTimeoutMillis = Math.min(exportIntervalMillis, Number(env['OTEL_METRIC_EXPORT_TIMEOUT'] ?? 30_000))
  return [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis, exportTimeoutMillis })]
}

async function otlpExporter(env: Env): ReturnType<typeof protoExporter> {
  const protocol = env['OTEL_EXPORTER_OTLP_METRICS_PROTOCOL'] ?? env['OTEL_EXPORTER_OTLP_PROTOCOL'] ?? 'http/protobuf'
  if (protocol === 'grpc') return new (await import('@opentelemetry/exporter-metrics-otlp-grpc')).OTLPMetricExporter()
  if (protocol === 'http/json')
    return new (await import('@opentelemetry/exporter-metrics-otlp-http')).OTLPMetricExporter()
  return protoExporter()
}

async function protoExporter(): Promise<import('@opentelemetry/sdk-metrics').PushMetricExporter> {
  return new (await import('@opentelemetry/exporter-metrics-otlp-proto')).OTLPMetricExporter()
}

function setDefault(env: Env, name: string, value: string): void {
  if ((env[name] ?? '').trim() === '') env[name] = value
}
