// Records that are none of ours, and records and payloads that are ours however odd they look: for the wire, the topics, and the
// driver. What is handed to the client and the port is in `bad-inputs.ts`.

/** JSON texts to put where a field stands: out of range, of another kind, or nearly right. */
export const EXTREMES: readonly string[] = [
  ...[
    'null',
    'true',
    '[]',
    '{}',
    '""',
    '"3"',
    '-1',
    '-0',
    '0',
    '1',
    '1.5',
    '1e400',
    '-1e400',
    '1e-400',
    '1e308',
    '5e-324',
  ],
  ...[
    '2147483647',
    '2147483648',
    '9007199254740991',
    '9007199254740993',
    '9223372036854775808',
    '604800',
    '604800.001',
  ],
  ...['2147483647.0004', '2147483646.9996', '0.0004', '0.0005', '0.001', '0.0014999'],
  ...['"1970-01-01T00:00:00Z"', '"1969-12-31T23:59:59.999Z"', '"1970-01-01T00:00:00+00:01"', '"0000-01-01T00:00:00Z"'],
  ...['"9999-12-31T23:59:59.999Z"', '"9999-12-31T23:59:59-00:01"', '"9999-12-31T23:59:59.999-23:59"'],
  ...['"+275760-09-13T00:00:00Z"', '"10000-01-01T00:00:00Z"', '"2016-12-31T23:59:60Z"', '"2026-01-01T24:00:00Z"'],
  ...[
    '"2026-02-29T00:00:00Z"',
    '"2026-01-01t00:00:00z"',
    '"2026-01-01 00:00:00Z"',
    '"2026-01-01T00:00:00.1234567890123Z"',
  ],
  ...['"2026-01-01T00:00Z"', '"20260101T000000Z"', '"2026-W01-1T00:00:00Z"', '1767225600000', '1767225600000000000'],
  ...[
    '"a.b"',
    '"a/b"',
    '".."',
    '"scheduler"',
    '"__proto__"',
    '"constructor"',
    '"\\ud800"',
    '"\\u0000"',
    '"a\\r\\nb"',
    '"{x}"',
  ],
  ...['{"__proto__":{"polluted":1}}', '{"__proto__":"x"}', '{"constructor":"x"}', '[[[[[[]]]]]]', '{"a":{"b":{}}}'],
  ...[
    '{"key":"k"}',
    '{"key":"","on_duplicate":null}',
    '{"name":"n","message":"m"}',
    '{"name":"\\ud800","message":"\\udfff"}',
  ],
  // No longer than the message of a failure's cause is written: a longer one is read, and cut when it is written again.
  `"${'x'.repeat(512)}"`,
  `"${'é'.repeat(256)}"`,
  `"${'\\u0001'.repeat(128)}"`,
]

/** An activity record, without its payload: what is planted differs from it in one thing. */
export const GOOD = {
  v: 1,
  id: 'planted-1',
  activity_type: 'work',
  created_at: '2026-01-01T00:00:00.000Z',
  priority: 'normal',
} as const

/** The bytes of a record from its fields and its payload's text, in that order. */
export function recordOf(fields: object, payload?: string): Buffer {
  const text = JSON.stringify(fields)
  return Buffer.from(payload === undefined ? text : `${text.slice(0, -1)},"payload":${payload}}`)
}

const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)

/** A record that is none of ours, and the word for why. */
export interface PoisonRow {
  readonly name: string
  /** @defaultValue the name */
  readonly key?: Buffer | string
  readonly value: Buffer | null
  readonly reason: string
}

const [, ...afterOpening] = recordOf(GOOD, '1')

/** Bytes that are no record of any kind. */
const NO_RECORDS: readonly PoisonRow[] = [
  { name: 'nothing in it', value: Buffer.alloc(0), reason: 'empty' },
  { name: 'random bytes', value: Buffer.from('8f02c1e0ff00fe7b22b14d', 'hex'), reason: 'not_utf8' },
  { name: 'a record in UTF-16', value: Buffer.from(recordOf(GOOD, '1').toString(), 'utf16le'), reason: 'not_json' },
  { name: 'a byte order mark of UTF-16', value: Buffer.from([0xff, 0xfe, 0x7b, 0x00]), reason: 'not_utf8' },
  { name: 'Latin-1', value: Buffer.from(recordOf(GOOD, '"é"').toString(), 'latin1'), reason: 'not_utf8' },
  { name: 'half a surrogate pair in UTF-8', value: recordWith([0xed, 0xa0, 0x80]), reason: 'not_utf8' },
  { name: 'an overlong NUL', value: recordWith([0xc0, 0x80]), reason: 'not_utf8' },
  { name: 'a character above Unicode', value: recordWith([0xf5, 0x80, 0x80, 0x80]), reason: 'not_utf8' },
  { name: 'a byte order mark', value: Buffer.concat([Buffer.from('\uFEFF'), recordOf(GOOD, '1')]), reason: 'not_json' },
  { name: 'a record cut in the middle', value: recordOf(GOOD, '1').subarray(0, 60), reason: 'not_json' },
  { name: 'a record without its last byte', value: recordOf(GOOD, '1').subarray(0, -1), reason: 'not_json' },
  { name: 'one bit of its first byte flipped', value: Buffer.from([0x7a, ...afterOpening]), reason: 'not_json' },
  { name: 'a NUL behind it', value: Buffer.concat([recordOf(GOOD, '1'), Buffer.alloc(1)]), reason: 'not_json' },
  { name: 'two records', value: Buffer.concat([recordOf(GOOD, '1'), recordOf(GOOD, '1')]), reason: 'not_json' },
  { name: 'a frame of a schema registry', value: Buffer.from('0000000007', 'hex'), reason: 'not_json' },
  { name: 'a number', value: Buffer.from('17'), reason: 'invalid' },
  { name: 'an array of a record', value: Buffer.from(`[${recordOf(GOOD, '1').toString()}]`), reason: 'invalid' },
  { name: '1,000,000 levels', value: Buffer.from('['.repeat(1_000_000)), reason: 'too_deep' },
  { name: 'a key of 1 MB', key: Buffer.alloc(1_000_000, 'k'), value: Buffer.from('x'), reason: 'not_json' },
  { name: 'a key that is not UTF-8', key: Buffer.from([0xff, 0xfe]), value: Buffer.from('x'), reason: 'not_json' },
]

function recordWith(inString: readonly number[]): Buffer {
  const [before = '', after = ''] = recordOf(GOOD, '"@"').toString().split('@')
  return Buffer.concat([Buffer.from(before), Buffer.from(inString), Buffer.from(after)])
}

/** Fields that a record must not have like this. */
const BAD_FIELDS: readonly (readonly [string, object])[] = [
  ['version 99', { v: 99 }],
  ['version "1"', { v: '1' }],
  ['no version', { v: undefined }],
  ['no id', { id: undefined }],
  ['no type', { activity_type: undefined }],
  ['no time of creation', { created_at: undefined }],
  ['an id with a blank', { id: 'a b' }],
  ['an id with a brace', { id: '{a}' }],
  ['an id of 129 characters', { id: 'x'.repeat(129) }],
  ['an id that is a number', { id: 7 }],
  ['a type with a dot', { activity_type: 'a.b' }],
  ['a type with a slash', { activity_type: '../work' }],
  ['a reserved type', { activity_type: 'scheduler' }],
  ['an unknown priority', { priority: 'urgent' }],
  ['a priority by the name of a method', { priority: 'constructor' }],
  ['attempt 0', { attempt: 0 }],
  ['attempt 2^31', { attempt: 2 ** 31 }],
  ['-1 attempts', { max_retries: -1 }],
  ['1.5 attempts', { max_retries: 1.5 }],
  ['2^31 attempts', { max_retries: 2 ** 31 }],
  ['"3" attempts', { max_retries: '3' }],
  ['-1 failures', { retry_count: -1 }],
  ['a timeout of 0', { timeout_seconds: 0 }],
  ['a backoff below 0', { retry_delay_seconds: -1 }],
  ['a backoff of 2^31 seconds', { retry_delay_seconds: 2 ** 31 }],
  ['a time in milliseconds', { created_at: 1_767_225_600_000 }],
  ['a time before 1970', { created_at: '1969-12-31T23:59:59Z' }],
  ['a time in the year 275760', { created_at: '+275760-09-13T00:00:00.000Z' }],
  ['a time that is beyond 9999 in UTC', { created_at: '9999-12-31T23:59:59-01:00' }],
  ['a 30th of February', { scheduled_at: '2026-02-30T00:00:00Z' }],
  ['metadata that is a number', { metadata: { a: 1 } }],
  ['metadata with half a surrogate pair', { metadata: { a: '\ud800' } }],
  ['a key with half a surrogate pair', { idempotency_key: { key: '\udfff' } }],
  ['a key of 513 bytes', { idempotency_key: { key: 'x'.repeat(513) } }],
  ['six failures', { failures: Array.from({ length: 6 }, () => ({})) }],
  ['65 unknown fields', Object.fromEntries(Array.from({ length: 65 }, (_, at) => [`x${at}`, at]))],
]

const BAD_PAYLOADS: readonly (readonly [string, string | undefined, string])[] = [
  ['no payload', undefined, 'invalid'],
  ['a payload of 129 levels', nested(129), 'too_deep'],
  ['a payload of 10,000 levels', nested(10_000), 'too_deep'],
  ['half a surrogate pair, escaped', String.raw`"\ud83d"`, 'invalid'],
  ['half a surrogate pair as a name', String.raw`{"\uDE00":1}`, 'invalid'],
  ['NaN', 'NaN', 'not_json'],
  ['a payload of 200,000 members', `{${Array.from({ length: 200_000 }, () => '"":0').join(',')}}`, 'invalid'],
]

/** Every poison that fits a kind of record. `around` makes a record of the kind from fields and a payload's text. */
export function poisonRows(around: (fields: object, payload?: string) => Buffer): PoisonRow[] {
  return [
    ...NO_RECORDS,
    ...BAD_FIELDS.map(([name, bad]) => {
      const reason = 'v' in bad ? 'unknown_version' : 'invalid'
      return { name, value: around({ ...GOOD, ...bad }, '1'), reason }
    }),
    ...BAD_PAYLOADS.map(([name, payload, reason]) => ({ name, value: around(GOOD, payload), reason })),
  ]
}

/** Payloads that are to come out of everything byte for byte as they went in. */
export const ODD_PAYLOADS: readonly (readonly [string, string])[] = [
  ['1e400, which is no number to JavaScript', '1e400'],
  ['2^53 + 1, which it cannot hold', '{"n":9007199254740993}'],
  ['-0', '[-0,-0.0]'],
  ['one name twice', '{"a":1,"a":2}'],
  ['blanks', '[ 1 ,\t{ "a" :\n2 } ]'],
  ['escapes that need not be', String.raw`"\u0041\/\u00e9"`],
  ['a pair of surrogates, escaped', String.raw`"\ud83d\ude00"`],
  ['NUL and control characters', String.raw`"\u0000\u0007\u001b[31m"`],
  ['composed and decomposed', '{"é":1,"e\u0301":2}'],
  ['a byte order mark within', '"\uFEFFx"'],
  ['line separators', '"\u2028\u2029\u0085"'],
  ['text from right to left', '"\u202eabc\u202c"'],
  ['markup', '"</script><img src=x onerror=alert(1)>"'],
  ['a log line', String.raw`"x\n{\"level\":\"error\"}\r\n\r\ndata: y"`],
  ['__proto__', '{"__proto__":{"polluted":1}}'],
  ['constructor.prototype', '{"constructor":{"prototype":{"polluted":1}}}'],
  ['what looks like the end of a record', String.raw`{"x":"\"},\"payload\":2}","payload":{"v":2}}`],
  ['128 levels', nested(128)],
  ['100,000 members', `{${Array.from({ length: 100_000 }, () => '"":0').join(',')}}`],
  ['300 KB of blanks', `[${' '.repeat(300_000)}]`],
]
