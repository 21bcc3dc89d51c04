// What the driver may be sent, and what may stand in the environment: every line has an answer, in order and short, every wrong
// variable is named, and no secret is shown.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { verifyGiven, withoutPassword } from '../../scripts/stack/given.ts'
import { schemas } from '../../src/cli/driver-schema.ts'
import { ERROR_CODES } from '../../src/core/errors.ts'
import { EXTREMES, ODD_PAYLOADS } from '../support/bad-record-rows.ts'
import { DriverProcess } from '../support/driver-process.ts'
import { JSON_TEXTS, NO_JSON_TEXTS } from '../support/json-corpus.ts'

const REPLY_CHARS_MAX = 9_000
/** As deep as memory goes, at the line's own limit. */
const LEVELS = 1_000_000

let driver: DriverProcess

beforeAll(async () => {
  driver = new DriverProcess(['--storage', 'memory'])
  await driver.ok('open', { namespace: 'bad-lines', types: ['mail'] })
})
afterAll(() => driver[Symbol.asyncDispose]())

/** The replies to these lines, sent at once. */
async function replies(lines: readonly (string | Uint8Array)[]): Promise<string[]> {
  const newline = Buffer.from('\n')
  for (const line of lines) driver.send(Buffer.concat([Buffer.from(line), newline]))
  const texts: string[] = []
  for (const _ of lines) texts.push(await driver.replyText())
  return texts
}

/** The code of an error reply; `ok` for any other. */
function codeOf(reply: string | undefined): string {
  expect(reply?.length ?? 0).toBeLessThan(REPLY_CHARS_MAX)
  const { error } = JSON.parse(reply ?? '') as { error?: { code: string; message: string } }
  if (error !== undefined) expect(error.message.startsWith(`[${error.code}] `)).toBe(true)
  return error?.code ?? 'ok'
}

async function codesOf(lines: readonly (string | Uint8Array)[]): Promise<string[]> {
  return (await replies(lines)).map(codeOf)
}

const submit = (payload: string): string => `{"op":"submit","args":{"type":"mail","payload":${payload}}}`
const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)
const deep = nested(LEVELS)
const long = 'x'.repeat(2_000_000)

const LINES: readonly (readonly [string, string | Uint8Array, string])[] = [
  ['nothing', '', 'serialization'],
  ['blanks', ' \t\r', 'serialization'],
  ['random bytes', Buffer.from('8f02c1e0ff00fe7b22b14d', 'hex'), 'serialization'],
  ['bytes that are not UTF-8', Uint8Array.of(0x22, 0xff, 0xfe, 0x22), 'serialization'],
  ['half a surrogate pair in UTF-8', Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22), 'serialization'],
  ['UTF-16', Buffer.from('{"op":"stats"}', 'utf16le'), 'serialization'],
  ['a byte order mark', '\uFEFF{"op":"stats"}', 'serialization'],
  ['a NUL behind it', '{"op":"stats"}\u0000', 'serialization'],
  ['two requests', '{"op":"stats"}{"op":"stats"}', 'serialization'],
  ['a request cut short', '{"op":"stats"', 'serialization'],
  ['null', 'null', 'invalid_argument'],
  ['a list of requests', '[{"op":"stats"}]', 'invalid_argument'],
  ['no op', '{}', 'invalid_argument'],
  ['an op that is a number', '{"op":7}', 'invalid_argument'],
  ['an op by the name of a method', '{"op":"constructor"}', 'invalid_argument'],
  ['the op __proto__', '{"op":"__proto__"}', 'invalid_argument'],
  ['an own __proto__', '{"op":"stats","__proto__":{"op":"close"}}', 'invalid_argument'],
  ['arguments by the name of __proto__', '{"op":"stats","args":{"__proto__":{}}}', 'invalid_argument'],
  ['an op of 2 MB', `{"op":"${long}"}`, 'invalid_argument'],
  ['an argument of which nobody knows, of 2 MB', `{"op":"stats","args":{"${long}":1}}`, 'invalid_argument'],
  ['a type of 2 MB', `{"op":"submit","args":{"type":"${long}"}}`, 'invalid_argument'],
  ['a cursor of 2 MB', `{"op":"list","args":{"status":"pending","cursor":"${long}"}}`, 'invalid_argument'],
  [
    'a key with half a surrogate pair',
    '{"op":"lookup_key","args":{"type":"mail","key":"\\ud800"}}',
    'invalid_argument',
  ],
  ['a payload of 1,000,000 levels', submit(deep), 'payload_too_large'],
  ['a payload of 400,000 levels', submit(nested(400_000)), 'invalid_argument'],
  ['an op of 1,000,000 levels', `{"op":${deep}}`, 'invalid_argument'],
  ['arguments of 1,000,000 levels', `{"op":"stats","args":${deep}}`, 'invalid_argument'],
  [
    'metadata of 1,000,000 levels',
    `{"op":"submit","args":{"type":"mail","metadata":{"a":${deep}}}}`,
    'invalid_argument',
  ],
  ['levels without end', '['.repeat(LEVELS), 'serialization'],
  ['a payload of 2 MB', submit(`"${long}"`), 'payload_too_large'],
  ['a payload with half a surrogate pair', submit(String.raw`"\ud83d"`), 'invalid_argument'],
  ['a payload with half a surrogate pair as a name', submit(String.raw`{"\uDE00":1}`), 'invalid_argument'],
  ['a line of 17 MB', Buffer.alloc(17 * 1024 * 1024, 'x'), 'payload_too_large'],
  ['a page of 1e9', '{"op":"list","args":{"status":"pending","limit":1000000000}}', 'invalid_argument'],
  ['a forged cursor', '{"op":"dead_letters","args":{"cursor":"e30"}}', 'invalid_argument'],
  ['another namespace', '{"op":"open","args":{"namespace":"other","types":[]}}', 'conflict'],
]

describe('a line', () => {
  test.each(LINES)('that is %s is answered, and the next one, too', async (_, line, code) => {
    expect(await codesOf([line, '{"op":"stats"}'])).toEqual([code, 'ok'])
  })

  test('that ends in CR LF is one', async () => {
    expect(await codesOf(['{"op":"stats"}\r'])).toEqual(['ok'])
  })

  test('of submit_many is refused as a whole where only its last id would be too long', async () => {
    const args = { prefix: 'p'.repeat(123), n: 10_001, type: 'mail' }
    const before = await replies(['{"op":"stats"}'])
    expect(await codesOf([JSON.stringify({ op: 'submit_many', args })])).toEqual(['invalid_argument'])
    expect(await replies(['{"op":"stats"}'])).toEqual(before)
  })
})

describe('JSON as a payload', () => {
  const carried = [...JSON_TEXTS, ...ODD_PAYLOADS.map(([name, text]) => ({ name, text }))].filter(
    ({ text }) => !/[\r\n]/.test(text), // a line is one line
  )

  test('is carried as it is', async () => {
    const sent = carried.map(({ text }, at) => submit(text).replace('"type"', `"id":"json-${at}","type"`))
    expect(new Set(await codesOf(sent))).toEqual(new Set(['ok']))
    const shown = await replies(carried.map((_, at) => `{"op":"get_activity","args":{"id":"json-${at}"}}`))
    // Some who read lines take these two for line breaks, so they come escaped.
    const escaped = (text: string): string => text.replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')
    const missing = carried.filter(({ text }, at) => !shown[at]?.includes(`"payload":${escaped(text.trim())},`))
    expect(missing.map(({ name }) => name)).toEqual([])
  })

  test('that is none is refused, or takes another meaning from what it closes', async () => {
    const lines = NO_JSON_TEXTS.filter(({ text }) => !/[\r\n]/.test(text)).map(({ text }) => submit(text))
    const wanted = lines.map(line => (isJson(line) ? 'another meaning' : 'serialization'))
    const codes = await codesOf(lines)
    expect(codes.map((code, at) => (wanted[at] === 'another meaning' ? wanted[at] : code))).toEqual(wanted)
  })
})

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

describe('arguments of the wrong kind', () => {
  const claim = { id: 'nobody', lease: 'none', attempt: 1 }
  const good: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
    open: { namespace: 'bad-lines', types: ['mail'] },
    submit: {
      ...{ id: 'x', type: 'mail', payload: 1, priority: 'low', max_attempts: 1, retry_delay_s: 1, timeout_s: 1 },
      delay_s: 1,
      metadata: {},
      key: { key: 'k' },
    },
    submit_many: { prefix: 'many', n: 1, type: 'mail' },
    claim: { types: ['mail'], limit: 1, lease_ms: 1_000, wait_ms: 0, worker: 'w' },
    renew: { claim, lease_ms: 1_000 },
    complete: { claim, value: 1 },
    fail: { claim, reason: 'r', retryable: true, timeout: false },
    release: { claim },
    lookup_key: { type: 'mail', key: 'k' },
    process_scheduled: { limit: 1 },
    reap: { limit: 1 },
    list: { status: 'pending', type: 'mail', cursor: null, limit: 1 },
    dead_letters: { type: 'mail', cursor: null, limit: 1 },
  }
  const NOT_OBJECTS = ['[]', '7', '"x"', 'true', '[[]]', '{"__proto__":1}', '{"nobody":1}']

  test.each(Object.keys(schemas))(
    'of %s are answered with a code that says so, never with a defect or an end',
    async op => {
      const args = good[op] ?? (['stats', 'close'].includes(op) ? {} : { id: 'nobody' })
      expect(new Set(await codesOf(NOT_OBJECTS.map(wrong => `{"op":"${op}","args":${wrong}}`)))).toEqual(
        new Set(['invalid_argument']),
      )
      const lines = Object.keys(args).flatMap(field =>
        EXTREMES.map(value => {
          const rest = Object.entries(args).filter(([name]) => name !== field)
          const members = rest.map(([name, each]) => `${JSON.stringify(name)}:${JSON.stringify(each)}`)
          return `{"op":"${op}","args":{${[...members, `"${field}":${value}`].join(',')}}}`
        }),
      )
      const allowed = new Set<string>(['ok', ...ERROR_CODES.filter(code => code !== 'internal')])
      const codes = await codesOf(lines)
      expect(lines.filter((_, at) => !allowed.has(codes[at] ?? ''))).toEqual([])
      expect(await codesOf(['{"op":"stats"}'])).toEqual(['ok'])
    },
  )
})

describe('the environment', () => {
  const set = { ERRAND_KAFKA_BROKERS: '127.0.0.1:1', ERRAND_REDIS_URL: 'redis://127.0.0.1:1' }
  test.each([
    ['ERRAND_KAFKA_BROKERS', 'a:1,,b:2'],
    ['ERRAND_KAFKA_BROKERS', 'kafka://someone:secret@host:9092'],
    ['ERRAND_REDIS_URL', ''],
    ['ERRAND_REDIS_URL', 'redis://:secret@127.0.0.1:1/abc'],
  ])('of a driver that has %s=%s is told by that name, without the secret', async (name, value) => {
    await using other = new DriverProcess(['--storage', 'kafka'], { ...process.env, ...set, [name]: value })
    const { code, message } = await other.refusal('open', { namespace: 'bad-env', types: [] })
    expect([code, message.includes(name), message.includes('secret')]).toEqual(['configuration', true, false])
    expect(other.stderr).not.toContain('secret')
    expect((await other.refusal('stats')).code).toBe('conflict')
  })

  test.each(['redis://127.0.0.1:1/abc', 'redis://:secret@', 'http://127.0.0.1:1', 'nowhere'])(
    'of a test run that has ERRAND_REDIS_URL=%s is told so',
    async redisUrl => {
      const told = verifyGiven({ kafkaBrokers: undefined, redisUrl })
      await expect(told).rejects.toThrow(/^ERRAND_REDIS_URL is (?!.*secret).*it must be redis:/)
    },
  )

  test.each([
    ['redis://:secret@host:1/0', 'redis://***@host:1/0'],
    ['redis://user:se/cr@et@host:1', 'redis://***@host:1'],
    ['user:secret@host:9092', '***@host:9092'],
    ['host:9092', 'host:9092'],
  ])('%s is shown as %s', (address, shown) => expect(withoutPassword(address)).toBe(shown))
})
