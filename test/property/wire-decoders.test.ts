// Whatever bytes a decoder is given: it refuses them as none of ours, with a reason, or it gives a record that can be written
// and read again, the same. Bytes come from nowhere, from golden vectors that were damaged, and from fields put in their places.

import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isErrandError } from '../../src/core/errors.ts'
import { decodeActivity, encodeActivity } from '../../src/wire/activity-record.ts'
import { decodeDlq, encodeDeadLetter, encodePoison } from '../../src/wire/dead-letter-record.ts'
import type { DlqRecord } from '../../src/wire/dead-letter-record.ts'
import { decodeDelay, encodeDelay } from '../../src/wire/delay-record.ts'
import { decodeOutcome, encodeOutcome } from '../../src/wire/outcome-record.ts'
import { EXTREMES } from '../support/bad-record-rows.ts'
import { JSON_TEXTS, NO_JSON_TEXTS } from '../support/json-corpus.ts'
import { holds } from './replay.ts'

const FILE = 'test/property/wire-decoders.test.ts'
const REASONS = new Set(['empty', 'not_utf8', 'not_json', 'too_deep', 'unknown_version', 'invalid'])
/** A reason is for people to read, however large the record. */
const MESSAGE_CHARS_MAX = 2_000

type Headers = Readonly<Record<string, string | Uint8Array>>
interface Written {
  readonly value: string | Uint8Array | null
  readonly headers: Headers
}

/** A decoder, what it reads written again, and records that it reads. */
interface Kind {
  readonly name: string
  readonly carried: string
  readonly decode: (value: Uint8Array | string | null, headers: Headers) => unknown
  readonly encode: (record: never) => Written
  readonly golden: readonly { readonly bytes: Buffer; readonly headers: Headers }[]
}

const plainly =
  <T>(encode: (record: T) => string) =>
  (record: T): Written => ({ value: encode(record), headers: {} })

const KINDS: readonly Kind[] = [
  { ...kind('activity', 'payload'), decode: decodeActivity, encode: plainly(encodeActivity) },
  { ...kind('delay', 'payload'), decode: decodeDelay, encode: plainly(encodeDelay) },
  { ...kind('outcome', 'result'), decode: decodeOutcome, encode: plainly(encodeOutcome) },
  { ...kind('dead-letter', 'payload'), decode: decodeDlq, encode: encodeDlq },
]

function kind(name: string, carried: string): Pick<Kind, 'name' | 'carried' | 'golden'> {
  const file = new URL(`../../src/wire/vectors/${name}.json`, import.meta.url)
  const { written, accepted } = JSON.parse(readFileSync(file, 'utf8')) as Record<
    'written' | 'accepted',
    { record: string; headers?: Headers }[]
  >
  const golden = [...written, ...accepted].map(({ record, headers = {} }) => ({ bytes: Buffer.from(record), headers }))
  return { name, carried, golden }
}

function encodeDlq(said: DlqRecord): Written {
  return said.kind === 'poison' ? encodePoison({ ...said.record, key: null }) : encodeDeadLetter(said.record)
}

/** What a decoder says: a record, or the reason why it is none. Anything else that is thrown is a failure of the test. */
function read(
  { decode }: Kind,
  value: Uint8Array | string | null,
  headers: Headers,
): { record: unknown } | { reason: string } {
  try {
    return { record: decode(value, headers) }
  } catch (error) {
    if (!isErrandError(error, 'serialization')) throw error
    expect(REASONS).toContain(error.details['reason'])
    expect(error.message.length).toBeLessThan(MESSAGE_CHARS_MAX)
    return { reason: String(error.details['reason']) }
  }
}

/** The property of every decoder. */
function checkRead(one: Kind, value: Uint8Array | null, headers: Headers): void {
  const first = read(one, value, headers)
  if (!('record' in first)) return
  const again = one.encode(first.record as never)
  const second = read(one, again.value, again.headers)
  // As JSON, in which a count of -0 is 0.
  const said = `what was read, written again: ${String(again.value).slice(0, 2_000)}`
  expect(JSON.stringify(second), said).toBe(JSON.stringify(first))
  const third = 'record' in second ? one.encode(second.record as never) : undefined
  expect(third).toEqual(again)
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
}

const anyKind = fc.constantFrom(...KINDS)
const anyGolden = anyKind.chain(one => fc.record({ one: fc.constant(one), from: fc.constantFrom(...one.golden) }))

/** One way to damage bytes. */
type Damage = (bytes: Buffer, other: Buffer) => Buffer
const at = fc.nat(5_000)
const damages: fc.Arbitrary<Damage> = fc.oneof(
  at.map(
    (place): Damage =>
      bytes =>
        bytes.subarray(0, place % (bytes.length + 1)),
  ),
  at.map(
    (place): Damage =>
      bytes =>
        bytes.subarray(place % (bytes.length + 1)),
  ),
  fc.tuple(at, fc.nat(7)).map(
    ([place, bit]): Damage =>
      bytes =>
        flipped(bytes, place, 1 << bit),
  ),
  fc.tuple(at, fc.nat(255)).map(
    ([place, byte]): Damage =>
      bytes =>
        spliced(bytes, place, 1, Buffer.of(byte)),
  ),
  fc.tuple(at, fc.nat(40)).map(
    ([place, count]): Damage =>
      bytes =>
        spliced(bytes, place, count, Buffer.alloc(0)),
  ),
  fc.tuple(at, at, fc.nat(200)).map(
    ([place, from, count]): Damage =>
      (bytes, other) =>
        spliced(bytes, place, 0, other.subarray(from % other.length).subarray(0, count)),
  ),
  fc.tuple(at, fc.constantFrom('"', '\\', '{', '}', '[', ']', ',', ':', '\uFEFF', '\u0000', ' ', '9')).map(
    ([place, text]): Damage =>
      bytes =>
        spliced(bytes, place, 0, Buffer.from(text)),
  ),
)

function flipped(bytes: Buffer, place: number, mask: number): Buffer {
  const copy = Buffer.from(bytes)
  if (copy.length > 0) copy.writeUInt8((copy[place % copy.length] ?? 0) ^ mask, place % copy.length)
  return copy
}

function spliced(bytes: Buffer, place: number, removed: number, inserted: Buffer): Buffer {
  const from = place % (bytes.length + 1)
  return Buffer.concat([bytes.subarray(0, from), inserted, bytes.subarray(from + removed)])
}

/** Any JSON value, with what is extreme and what is ours among it. */
const values = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...EXTREMES) },
  { weight: 1, arbitrary: fc.json({ maxDepth: 3 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }).map(text => JSON.stringify(text)) },
)

/** A golden record with some of its members, at any level, replaced, taken away, or doubled. */
function replaced(text: string, picks: readonly (readonly [number, string, 'set' | 'drop' | 'add'])[]): string {
  let root = JSON.parse(text) as unknown
  const raw: string[] = []
  for (const [pick, json, what] of picks) {
    const places = placesIn(root)
    const place = places[pick % Math.max(1, places.length)]
    if (place === undefined) break
    const [holder, name] = place
    if (what === 'drop') delete holder[name]
    else holder[what === 'set' ? name : `${name}x`] = `@raw${raw.push(json) - 1}@`
  }
  root = JSON.stringify(root)
  return String(root).replaceAll(/"@raw(\d+)@"/g, (_, index: string) => raw[Number(index)] ?? 'null')
}

function placesIn(value: unknown): [Record<string, unknown>, string][] {
  if (typeof value !== 'object' || value === null) return []
  const holder = value as Record<string, unknown>
  return Object.keys(holder).flatMap(name => [
    [holder, name] as [Record<string, unknown>, string],
    ...placesIn(holder[name]),
  ])
}

describe('every decoder refuses with a reason, or reads what can be written and read again', () => {
  test('bytes from nowhere', async () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.string({ unit: 'binary', maxLength: 100 }).map(text => Buffer.from(text)),
      fc.json().map(text => Buffer.from(text)),
      fc.constant(null),
    )
    const headers = fc.dictionary(
      fc.constantFrom(
        'errand-kind',
        'errand-reason',
        'errand-source-topic',
        'errand-source-partition',
        '__proto__',
        'x',
      ),
      fc.oneof(fc.constantFrom('poison', 'dead_letter', '0', '-1', ''), fc.uint8Array({ maxLength: 20 })),
    )
    const property = fc.asyncProperty(anyKind, bytes, headers, async (one, value, given) =>
      checkRead(one, value, given),
    )
    await holds(property, { file: FILE, numRuns: 1_000 })
  })

  test('golden vectors cut, flipped, spliced into each other', async () => {
    const property = fc.asyncProperty(
      anyGolden,
      anyGolden,
      fc.array(damages, { minLength: 1, maxLength: 4 }),
      async ({ one, from }, { from: other }, list) => {
        const bytes = list.reduce((damaged, damage) => damage(damaged, other.bytes), from.bytes)
        checkRead(one, bytes, from.headers)
      },
    )
    await holds(property, { file: FILE, numRuns: 2_000 })
  })

  test('golden vectors with members replaced, taken away or added, extreme ones among them', async () => {
    const picks = fc.array(fc.tuple(fc.nat(500), values, fc.constantFrom('set', 'set', 'drop', 'add')), {
      minLength: 1,
      maxLength: 4,
    })
    const property = fc.asyncProperty(anyGolden, picks, async ({ one, from }, list) => {
      const text = isPoison(from.headers) ? from.bytes.toString() : replaced(from.bytes.toString(), list)
      checkRead(one, Buffer.from(text), from.headers)
    })
    await holds(property, { file: FILE, numRuns: 2_000 })
  })

  test('headers of the DLQ, each replaced by anything', async () => {
    const dlq = KINDS.filter(one => one.name === 'dead-letter')
    const property = fc.asyncProperty(
      fc.constantFrom(...dlq.flatMap(one => one.golden.map(from => ({ one, from })))),
      fc.nat(20),
      fc.oneof(values, fc.uint8Array({ maxLength: 30 }), fc.string({ maxLength: 300 })),
      async ({ one, from }, pick, value) => {
        const names = Object.keys(from.headers)
        const name = names[pick % Math.max(1, names.length)] ?? 'errand-kind'
        checkRead(one, from.bytes, { ...from.headers, [name]: value })
      },
    )
    await holds(property, { file: FILE, numRuns: 500 })
  })
})

function isPoison(headers: Headers): boolean {
  return headers['errand-kind'] === 'poison'
}

describe('JSON as the payload of a record', () => {
  const around = (payload: string): string =>
    `{"v":1,"id":"a","activity_type":"t","created_at":"2026-01-01T00:00:00Z","payload":${payload}}`

  test.each(JSON_TEXTS)('is carried byte for byte: $name', ({ text }) => {
    expect(decodeActivity(Buffer.from(around(text))).payloadJson).toBe(text.trim())
    const first = around(text)
      .replace(/,"payload":.*\}$/s, '}')
      .replace('{', () => `{"payload":${text},`)
    expect(decodeActivity(Buffer.from(first)).payloadJson).toBe(text.trim())
  })

  test.each(NO_JSON_TEXTS)('is not JSON, and refused: $name', ({ text }) => {
    expect(() => JSON.parse(text) as unknown).toThrow(SyntaxError)
    const said = read(KINDS[0] as Kind, Buffer.from(around(text)), {})
    // One that closes the payload and goes on may make another record of the whole, and then that one counts.
    expect(said).toEqual(isJson(around(text)) ? { record: expect.anything() } : { reason: 'not_json' })
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
