// Where no SDK is registered, telemetry costs nothing: it does not even look at what it is given.

import { expect, test } from 'vitest'
import type { Activity } from '../core/activity.ts'
import { newActivity } from '../core/new-activity.ts'
import { otelTelemetry } from './otel.ts'

const untouchable = new Proxy(newActivity({ type: 'a', payload: 1 }, { ids: { next: () => 'a' }, nowMs: 0 }), {
  get: (_, name) => {
    throw new TypeError(`looked at ${String(name)}`)
  },
})

test.each(['send', 'process', 'settle', 'dead-letter'] as const)('a %s span is none, and nothing is read', kind => {
  const activity: Activity = untouchable
  const span = otelTelemetry().startSpan({ kind, activity })
  expect([span.trace, span.logFields]).toEqual([undefined, {}])
  expect(span.run(() => 'ran')).toBe('ran')
  const end = new Proxy({ outcome: 'completed' }, { get: () => expect.fail('looked at the end') })
  expect(() => span.end(end)).not.toThrow()
})

test('calls go through', () => {
  const telemetry = otelTelemetry()
  telemetry.count('sent', 1, {})
  telemetry.duration('settle', 1, {})
  expect(telemetry.quietly(() => 1)).toBe(1)
  expect(telemetry.bind((given: number) => given + 1)(1)).toBe(2)
})
