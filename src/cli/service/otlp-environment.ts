// What the standard OTEL_* variables say, as far as it has to be known before the SDK is loaded.

/** The environment, which the SDK's defaults are written into. */
export type Env = Record<string, string | undefined>

/** Whether somebody named an endpoint for traces or metrics. */
export function isSent(env: Readonly<Env>, signal: 'TRACES' | 'METRICS'): boolean {
  const endpoints = [env['OTEL_EXPORTER_OTLP_ENDPOINT'], env[`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`]]
  // An empty variable is one that is not set, as OpenTelemetry has it.
  return endpoints.some(endpoint => (endpoint ?? '').trim() !== '')
}
