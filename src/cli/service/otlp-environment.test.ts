import { expect, test } from 'vitest'
import { isSent } from './otlp-environment.ts'

const ALL = 'OTEL_EXPORTER_OTLP_ENDPOINT'
const TRACES = 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'

test.each([
  ['nothing', {}, false],
  ['one for all', { [ALL]: 'http://c:4318' }, true],
  ['its own', { [TRACES]: 'http://c:4318/v1/traces' }, true],
  ['its own beside an empty one for all', { [ALL]: '', [TRACES]: 'http://c:4318/v1/traces' }, true],
  ['an empty one beside one for all', { [ALL]: 'http://c:4318', [TRACES]: '' }, true],
  ['blank ones', { [ALL]: ' ', [TRACES]: '' }, false],
  ["another signal's", { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://c:4318' }, false],
])('with %s named, traces are sent or not', (_, env, expected) => {
  expect(isSent(env, 'TRACES')).toBe(expected)
})
