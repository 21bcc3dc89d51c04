import { expect, test } from 'vitest'

import { endTraceparent, traceContextOf } from './trace-context.ts'

const IDS = '4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7'
const traceparent = `00-${IDS}-01`

test.each([
  [null, { traceparent }],
  [undefined, { traceparent }],
  ['', { traceparent }],
  ['a=1\n', { traceparent }],
  ['a=é', { traceparent }],
  ['x'.repeat(513), { traceparent }],
  ['x'.repeat(512), { traceparent, tracestate: 'x'.repeat(512) }],
  ['congo=t61rcWkgMzE,rojo=00f067aa0ba902b7', { traceparent, tracestate: 'congo=t61rcWkgMzE,rojo=00f067aa0ba902b7' }],
])('with tracestate %j', (tracestate, expected) => expect(traceContextOf(traceparent, tracestate)).toEqual(expected))

test.each([traceparent, `cc-${IDS}-01`, `cc-${IDS}-01-what-the-future-brings`])('%s is a traceparent', text => {
  expect(traceContextOf(text, null)).toEqual({ traceparent: text })
})

test.each([
  null,
  undefined,
  '',
  'x',
  `ff-${IDS}-01`,
  `00-${IDS}-01-more`,
  `00-${IDS}-01-`,
  `cc-${IDS}-01more`,
  `cc-${IDS}-01-${'x'.repeat(100)}`,
  `00-${IDS.toUpperCase()}-01`,
  `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
  `00-4bf92f3577b34da6a3ce929d0e0e4736-${'0'.repeat(16)}-01`,
  ` ${traceparent}`,
  `${traceparent}\n`,
])('%j is none, whatever the tracestate', text => expect(traceContextOf(text, 'a=1')).toBeNull())

const deadLetter = traceparent.replace('00f067aa0ba902b7', '53995c3f42cd8ad8')

test.each([
  ['dead_letter', { attempt: traceparent, deadLetter }, deadLetter],
  ['dead_letter', { attempt: traceparent }, traceparent],
  ['retrying', { attempt: traceparent, deadLetter }, traceparent],
  ['cancelled', { attempt: traceparent, deadLetter }, traceparent],
  ['failed', undefined, null],
  ['failed', { attempt: 'x' }, null],
] as const)('an attempt that ended as %s with %j is looked back at by %j', (outcome, trace, expected) =>
  expect(endTraceparent(outcome, trace)).toBe(expected),
)
