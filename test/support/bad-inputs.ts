// What no door may stumble over where values are handed in: at the client, the port, and by handlers. What stands in records is
// in `bad-record-rows.ts`.

/** What is no name of a type. */
export const BAD_TYPES: readonly unknown[] = [
  ...[
    '',
    ' ',
    '.',
    '..',
    'a.b',
    'a/b',
    '../a',
    'a b',
    'a:b',
    '{a}',
    '*',
    '1a',
    '-a',
    '_a',
    'Ä',
    'a\n',
    'a\u0000',
    '\ud800',
  ],
  ...['scheduler', 'delay', 'outcomes', 'dlq', 'reader', '__consumer_offsets', 'x'.repeat(65), 'x'.repeat(250)],
  ...[undefined, null, 7, {}, ['work'], Symbol('work')],
]

/** What is no namespace. */
export const BAD_NAMESPACES: readonly unknown[] = [
  ...[
    '',
    ' ',
    '.',
    '..',
    'a.b',
    'a_b',
    'a/b',
    '../a',
    'A',
    'Ä',
    '-a',
    'a b',
    'a:b',
    '{a}',
    '*',
    'a\n',
    '\u0000',
    '\ud800',
  ],
  ...['__consumer_offsets', 'x'.repeat(33), 'x'.repeat(250), undefined, null, 7, {}, ['a'], Symbol('a')],
]

/** What is no id. */
export const BAD_IDS: readonly unknown[] = [
  ...['', ' ', 'a b', '.a', '-a', ':a', '{a}', 'a/b', 'a*', 'é', 'a\n', 'a\u0000', '\ud800', 'x'.repeat(129)],
  ...[null, 7, {}, ['a'], Symbol('a')],
]

/** Idempotency keys that are right, however they look: each is its own. Some differ in what is easily lost. */
export const ODD_KEYS: readonly string[] = [
  ...[
    'a',
    'A',
    ' a',
    'a ',
    'a:b',
    'work:a',
    ':',
    '::',
    '{x}',
    '{',
    '}',
    '*',
    '?',
    '[a-z]*',
    'a|b',
    'a,b',
    'a/b',
    '../a',
  ],
  ...[
    '\r\n',
    'a\r\nDEL b',
    '\u0000',
    'a\u0000b',
    '\u001b[31m',
    '__proto__',
    'constructor',
    'toString',
    'null',
    '0',
    '-0',
  ],
  ...[
    'é',
    'e\u0301',
    '\uFEFFa',
    '\u202ea',
    '日本',
    '😀',
    'a\u200b',
    'ａ',
    '"',
    '\\',
    "'",
    '</script>',
    '${x}',
    '%00',
    'x'.repeat(512),
  ],
]

function cyclic(): object {
  const circle: Record<string, unknown> = {}
  circle['self'] = { circle }
  return circle
}

function deep(levels: number): unknown {
  let value: unknown = 0
  for (let level = 0; level < levels; level++) value = [value]
  return value
}

let million: Record<string, number> | undefined
/** Made once: it takes a second. */
function wide(): object {
  if (million !== undefined) return million
  million = {}
  for (let at = 0; at < 1_000_000; at++) million[`k${at}`] = at
  return million
}

function throws(thrown: unknown): never {
  throw thrown
}

/** A value whose every use throws. */
export function hostile(): object {
  const trap = (): never => throws(new TypeError('hands off'))
  return new Proxy({}, { get: trap, has: trap, ownKeys: trap, getPrototypeOf: trap, getOwnPropertyDescriptor: trap })
}

/** Values that are no JSON, or more of it than is taken, with the code of their refusal. Made anew: some are large. */
export const BAD_VALUES: readonly (readonly [string, () => unknown, 'invalid_argument' | 'payload_too_large'])[] = [
  ['a bigint', () => ({ n: 1n }), 'invalid_argument'],
  ['a symbol', () => Symbol('x'), 'invalid_argument'],
  ['a function', () => () => 1, 'invalid_argument'],
  ['a circle', cyclic, 'invalid_argument'],
  ['129 levels', () => deep(129), 'invalid_argument'],
  ['10,000 levels', () => deep(10_000), 'invalid_argument'],
  ['1,000,000 levels', () => deep(1_000_000), 'invalid_argument'],
  ['half a surrogate pair', () => ['\ud800'], 'invalid_argument'],
  ['half a surrogate pair as a name', () => ({ '\udc00': 1 }), 'invalid_argument'],
  [
    'a getter that throws',
    () => ({
      get a() {
        return throws(new Error('getter'))
      },
    }),
    'invalid_argument',
  ],
  ['a toJSON that throws null', () => ({ toJSON: () => throws(null) }), 'invalid_argument'],
  ['a toJSON that throws what cannot be touched', () => ({ toJSON: () => throws(hostile()) }), 'invalid_argument'],
  ['what cannot be touched', hostile, 'invalid_argument'],
  ['1,000,000 members', () => wide(), 'payload_too_large'],
  ['one byte more than fits', () => 'x'.repeat(921_600 - 1), 'payload_too_large'],
  ['characters of three bytes', () => '日'.repeat(307_201), 'payload_too_large'],
  ['characters that take six bytes as JSON', () => '\u0001'.repeat(200_000), 'payload_too_large'],
  ['50 MB', () => 'x'.repeat(50_000_000), 'payload_too_large'],
]

const nanDate = new Date(Number.NaN)
/** Options of an enqueue, and the field that the refusal names. */
export const BAD_OPTIONS: readonly (readonly [string, unknown, string])[] = [
  ...BAD_IDS.map(id => ['id', { id }, 'id'] as const),
  ['a priority unknown', { priority: 'urgent' }, 'priority'],
  ['a priority by the name of a method', { priority: 'toString' }, 'priority'],
  ['a priority that is null', { priority: null }, 'priority'],
  ...[0, -1, 1.5, 2 ** 31, '3', Number.NaN, Infinity, {}, 1n].map(
    value => ['attempts', { maxAttempts: value }, 'maxAttempts'] as const,
  ),
  ...[0, -1, 1.5, '1', Number.NaN, Infinity, 604_800_001].map(
    value => ['timeout', { timeoutMs: value }, 'timeoutMs'] as const,
  ),
  ...[-1, 0.5, 1e308, Number.NaN, '5', Infinity].map(value => ['delay', { delayMs: value }, 'delayMs'] as const),
  ...[
    ...[nanDate, new Date(-1), new Date(8.64e15), 0, '2030-01-01', 1_893_456_000_000, {}, Object.create(null)],
    ...[Object.create(Date.prototype), new Date(Date.UTC(2200, 0, 1)), hostile()],
  ].map((scheduledAt: unknown) => ['scheduled', { scheduledAt }, 'scheduledAt'] as const),
  ['a time and a delay', { scheduledAt: new Date(), delayMs: 1 }, 'scheduledAt'],
  ...['', '\ud800', 'x'.repeat(513), 'é'.repeat(257), 7, {}, null, ['k']].map(key => ['key', { key }, 'key'] as const),
  ['a behaviour unknown', { key: 'k', onDuplicate: 'replace' }, 'onDuplicate'],
  ['a behaviour without a key', { onDuplicate: 'no_reuse' }, 'onDuplicate'],
  ...[
    ...[
      null,
      'a',
      7,
      [],
      { a: 1 },
      { a: null },
      { a: '\ud800' },
      { '\ud800': 'a' },
      { '': 'a' },
      { a: 'x'.repeat(4_097) },
    ],
    ...[
      { ['x'.repeat(129)]: 'a' },
      new Map([['a', 'b']]),
      new Date(),
      hostile(),
      {
        get a() {
          return throws(new Error('getter'))
        },
      },
    ],
    Object.fromEntries(Array.from({ length: 65 }, (_, at) => [`k${at}`, ''])),
    Object.fromEntries(Array.from({ length: 5 }, (_, at) => [`k${at}`, 'x'.repeat(4_000)])),
  ].map((metadata: unknown) => ['metadata', { metadata }, 'metadata'] as const),
  ['an unknown option', { prio: 'high' }, 'prio'],
  ['an own __proto__', JSON.parse('{"__proto__":1}'), '__proto__'],
  ['null', null, 'options'],
  ['text', 'high', 'options'],
  ['a list', [1], 'options'],
  ['what cannot be touched', hostile(), 'options'],
]

function causes(count: number): Error {
  return Array.from({ length: count }).reduce<Error>(
    (cause, _, at) => new Error(`cause ${at}`, { cause }),
    new Error('first'),
  )
}

function roundabout(): Error {
  const error = new Error('round')
  error.cause = new AggregateError([error, error], 'about', { cause: error })
  return error
}

/** What a handler may throw, made anew. */
export const ODD_THROWN: readonly (readonly [string, () => unknown])[] = [
  ['null', () => null],
  ['undefined', () => undefined],
  ['a chain of 10,000 causes', () => causes(10_000)],
  ['an error with itself below', roundabout],
  ['an error of 50 MB', () => Object.assign(new Error('x'.repeat(50_000_000)), { code: 'c'.repeat(1_000_000) })],
  [
    'an error with half a surrogate pair',
    () => Object.assign(new Error('\ud800'), { name: '\udc00', stack: '\udfff' }),
  ],
  ['an error that is a log line', () => new Error('x\n{"level":"error"}\r\n\u001b[31m\u0000')],
  ['an error whose message throws', () => Object.defineProperty(new Error('x'), 'message', { get: () => throws(1) })],
  ['an error whose stack is none', () => Object.assign(new Error('x'), { stack: 7, name: {}, code: Symbol('c') })],
  ['what cannot be touched', hostile],
  ['1,000,000 members', () => wide()],
  ['1,000,000 levels', () => deep(1_000_000)],
]

/** What a handler may give back that is a result all the same, and the result's text. */
export const ODD_RESULTS: readonly (readonly [string, () => unknown, string])[] = [
  ['undefined', () => undefined, 'null'],
  ['null', () => null, 'null'],
  ['NaN', () => Number.NaN, 'null'],
  ['-0', () => -0, '0'],
  // oxlint-disable-next-line unicorn/no-thenable -- what a handler may hand back
  ['a thenable', () => ({ then: (resolve: (value: unknown) => void) => resolve('late') }), '"late"'],
  ['an own __proto__', () => JSON.parse('{"__proto__":{"polluted":1}}') as unknown, '{"__proto__":{"polluted":1}}'],
  ['a map, which JSON does not hold', () => new Map([['a', 1]]), '{}'],
  ['128 levels', () => deep(127), JSON.stringify(deep(127))],
  ['as much as fits', () => 'x'.repeat(921_598), `"${'x'.repeat(921_598)}"`],
]

/** An activity that `newActivity` made, changed by hand, with the field that its refusal names and the code, when another. */
export const BAD_ACTIVITIES: readonly (readonly [string, Record<string, unknown>, string, 'payload_too_large'?])[] = [
  ...BAD_IDS.map(id => ['an id', { id }, 'id is'] as const),
  ...BAD_TYPES.map(type => ['a type', { type }, 'type is'] as const),
  ...['urgent', 'constructor', '', null, undefined, 1].map(
    priority => ['a priority', { priority }, 'priority is'] as const,
  ),
  ['129 levels', { payloadJson: '['.repeat(129) + ']'.repeat(129) }, 'payload'],
  ['1,000,000 levels', { payloadJson: '['.repeat(1_000_000) }, 'payload', 'payload_too_large'],
  ['half a surrogate pair', { payloadJson: '"\ud800"' }, 'payload'],
  ['half a surrogate pair, escaped', { payloadJson: String.raw`"\ud800"` }, 'payload'],
  ['one of an unfinished text', { payloadJson: String.raw`"\ud800` }, 'payload'],
  ...['', '{', 'NaN', '1,"id":"x"', '1}', '\uFEFF1', undefined, null, 7, {}].map(
    payloadJson => ['a payload that is no JSON', { payloadJson }, 'payload'] as const,
  ),
  ['one byte more than fits', { payloadJson: `"${'x'.repeat(921_599)}"` }, 'payload', 'payload_too_large'],
  ...['attempt', 'maxAttempts', 'timeoutMs'].map(field => ['zero', { [field]: 0 }, `${field} is`] as const),
  ...['attempt', 'retryCount', 'maxAttempts', 'timeoutMs', 'retryDelayMs', 'retryDelayMaxMs'].flatMap(field =>
    [-1, 1.5, Number.NaN, Infinity, '3', null, undefined, 1n, 1e300].map(
      value => ['a number', { [field]: value }, `${field} is`] as const,
    ),
  ),
  ...['createdAtMs', 'scheduledAtMs'].flatMap(field =>
    [-1, Number.NaN, Infinity, 253_402_300_800_000, 8.64e15 + 1, '2030-01-01', undefined, new Date()].map(
      value => ['a time', { [field]: value }, `${field} is`] as const,
    ),
  ),
  ['no creation', { createdAtMs: null }, 'createdAtMs is'],
  ...[undefined, null, 7, [], { a: 1 }, { a: '\ud800' }, new Map(), hostile()].map(
    (metadata: unknown) => ['metadata', { metadata }, 'metadata'] as const,
  ),
  ...['', 'x'.repeat(513), 'x'.repeat(600), 7, undefined].map(
    key => ['a key', { key: { key, onDuplicate: 'no_reuse' } }, 'key is'] as const,
  ),
  ['a key with half a surrogate pair', { key: { key: 'a\udc00', onDuplicate: 'no_reuse' } }, 'key holds'],
  ...[undefined, 'k', 7].map(key => ['a key that is none', { key }, 'key is'] as const),
  ['a behaviour unknown', { key: { key: 'k', onDuplicate: 'replace' } }, 'onDuplicate'],
  ...[undefined, 'x', { traceparent: 7 }, { traceparent: 'x'.repeat(129) }, { traceparent: 'x', tracestate: 1n }].map(
    (trace: unknown) => ['a trace', { trace }, 'trace'] as const,
  ),
  ...[undefined, 7, 'x'.repeat(129), '\ud800'].map(
    (attemptTraceparent: unknown) => ['the trace of an attempt', { attemptTraceparent }, 'attemptTraceparent'] as const,
  ),
  ...['a b', '', undefined, 7].flatMap(id => [
    ['a parent', { parentId: id }, 'parentId is'] as const,
    ['an original', { redriveOf: id }, 'redriveOf is'] as const,
  ]),
  ...[undefined, {}, 'none', Array.from({ length: 6 }, () => ({}))].map(
    failures => ['failures', { failures }, 'failures is'] as const,
  ),
  ...[
    ['attempt', { attempt: 0 }],
    ['atMs', { atMs: Number.NaN }],
    ['name', { name: 7 }],
    ['message', { message: 'x'.repeat(513) }],
    ['worker', { worker: null }],
  ].map(([field, change]) => {
    const failure = { attempt: 1, atMs: 0, name: 'n', message: 'm', ...(change as object) }
    return ['a failure before', { failures: [failure] }, `failures.${field as string}`] as const
  }),
  ['a failure that is none', { failures: [null] }, ''],
  ...['', '"a"', '}', '"a":1},{"b":2', 'x'.repeat(16_385), 7, null].map(
    extraJson => ['unknown members', { extraJson }, 'extraJson is'] as const,
  ),
  [
    '65 unknown members',
    { extraJson: Array.from({ length: 65 }, (_, at) => `"x${at}":1`).join(',') },
    'extraJson is "65 members"',
  ],
]

/** Texts that are no result, or more of one than is taken. */
export const BAD_RESULTS: readonly (readonly [string, () => unknown, 'serialization' | 'payload_too_large'])[] = [
  ['129 levels', () => '['.repeat(129) + ']'.repeat(129), 'serialization'],
  ['half a surrogate pair', () => '"\ud800"', 'serialization'],
  ['half a surrogate pair, escaped', () => String.raw`{"\ud800":1}`, 'serialization'],
  ['half a surrogate pair in an unfinished text', () => String.raw`"\ud800`, 'serialization'],
  ['nothing', () => '', 'serialization'],
  ['no JSON', () => 'done', 'serialization'],
  ['more than one value', () => '1,"outcome":"failed"', 'serialization'],
  ['a number', () => 7, 'serialization'],
  ['one byte more than fits', () => `"${'x'.repeat(921_599)}"`, 'payload_too_large'],
]

const told = { name: 'Error', message: 'as planned' }
const circle: { name: string; message: string; cause?: unknown } = { ...told }
circle.cause = circle
/** Failure reports that are none, and the field that the refusal names. */
export const BAD_FAILURES: readonly (readonly [string, unknown])[] = [
  ...[undefined, null, 'it broke', 7].map(report => ['failure', report] as const),
  ...['fatal', '', undefined, 'constructor'].map(kind => ['failure.kind', { kind, error: told }] as const),
  ...[undefined, null, 'it broke', 7].map(error => ['failure.error', { kind: 'retryable', error }] as const),
  ['failure.error.name', { kind: 'retryable', error: { ...told, name: undefined } }],
  ['failure.error.message', { kind: 'timeout', error: { ...told, message: 7 } }],
  ['failure.error.stack', { kind: 'retryable', error: { ...told, stack: 7 } }],
  ['failure.error.code', { kind: 'retryable', error: { ...told, code: 1n } }],
  ['failure.error.cause', { kind: 'retryable', error: { ...told, cause: null } }],
  ['failure.error.cause.message', { kind: 'retryable', error: { ...told, cause: { name: 'n' } } }],
  [`failure.error${'.cause'.repeat(9)}`, { kind: 'retryable', error: circle }],
  ...[-1, 0.5, Number.NaN, Infinity, 1e300, '5', null, 946_728_000_001].map(
    retryAfterMs => ['failure.retryAfterMs', { kind: 'retryable', error: told, retryAfterMs }] as const,
  ),
]
