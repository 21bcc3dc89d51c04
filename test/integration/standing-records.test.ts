// What stands of the schedule's log, read from a real broker in parts that fit a bound.

import type { Message } from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { LogReader } from '../../src/consumer/log-reader.ts'
import { systemClock } from '../../src/core/clock.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { newActivity } from '../../src/core/new-activity.ts'
import { delayKey } from '../../src/core/topics.ts'
import type { LogStretch } from '../../src/storage/kafka/log-pages.ts'
import { standingOf, standingParts, standingRecords } from '../../src/storage/kafka/standing-records.ts'
import type { Standing } from '../../src/storage/kafka/standing-records.ts'
import { encodeDelay } from '../../src/wire/delay-record.ts'
import { openConsuming } from '../support/consuming.ts'

const MEMBERS = 200
const MEMBERS_MAX = 30
const signal = new AbortController().signal

let broker: Awaited<ReturnType<typeof openConsuming>>
let reader: LogReader
beforeAll(async () => {
  broker = await openConsuming()
  const { settings, namespace } = broker
  reader = new LogReader({ settings, namespace, clock: systemClock, logger: silentLogger })
})
afterAll(async () => {
  await reader?.stop()
  await broker?.[Symbol.asyncDispose]()
})

const keyOf = (n: number): string => delayKey(`act-${n}`, 1)
const tombstone = (n: number): Message => ({ key: keyOf(n), value: null })
const garbage = (n: number): Message => ({ key: keyOf(n), value: 'garbage' })

function delayed(n: number): Message {
  const activity = newActivity({ type: 't', payload: n }, { ids: { next: () => `act-${n}` }, nowMs: 0 })
  return { key: keyOf(n), value: encodeDelay({ dueAtMs: 5_000, activity }) }
}

/** Every member once; then a third has a tombstone, a fifth of all a later record, and a seventh garbage behind it. */
async function planted() {
  const topic = await broker.topic(1)
  const every = Array.from({ length: MEMBERS }, (_, n) => n)
  const log = [
    ...every.map(n => ({ n, message: delayed(n) })),
    ...every.filter(n => n % 3 === 0).map(n => ({ n, message: tombstone(n) })),
    ...every.filter(n => n % 5 === 0).map(n => ({ n, message: delayed(n) })),
    ...every.filter(n => n % 7 === 0).map(n => ({ n, message: garbage(n) })),
  ]
  const send = async (messages: readonly Message[]): Promise<void> => {
    await broker.producer.send({ topic, messages: messages.map(each => ({ ...each, partition: 0 })) })
  }
  await send(log.map(({ message }) => message))
  const stretch = async (): Promise<LogStretch> => {
    const [bounds] = await reader.bounds(topic)
    return { topic, partition: 0, from: bounds?.low ?? 0, to: bounds?.high ?? 0 }
  }
  // Garbage hides nothing that can be read, and stands where nothing else does.
  const standing = new Map<string, number>()
  log.forEach(({ n, message }, offset) => {
    if (message.value === null) standing.delete(keyOf(n))
    else if (message.value !== 'garbage' || !standing.has(keyOf(n))) standing.set(keyOf(n), offset)
  })
  return { stretch, send, standing }
}

async function offsetsRead(standing: Standing): Promise<[string, number][]> {
  const found: [string, number][] = []
  for await (const records of standingRecords(reader, standing, signal)) {
    found.push(...records.map(({ key, offset }): [string, number] => [String(key), offset]))
  }
  return found
}

test('each record that stands is given once, in parts that keep to their bound', async () => {
  const { stretch, standing } = await planted()
  const found: [string, number][] = []
  for await (const part of standingParts({ reader, stretch, membersMax: MEMBERS_MAX, signal })) {
    expect(part.offsets.size).toBeLessThanOrEqual(MEMBERS_MAX)
    const read = await offsetsRead(part)
    expect(read.map(([member]) => member).toSorted()).toEqual([...part.offsets.members()].toSorted())
    found.push(...read)
  }
  expect(found.length).toBe(standing.size)
  expect(new Map(found)).toEqual(standing)
})

test('what fits is one part', async () => {
  const { stretch, standing } = await planted()
  const sizes: number[] = []
  for await (const { offsets } of standingParts({ reader, stretch, membersMax: MEMBERS, signal })) {
    sizes.push(offsets.size)
  }
  expect(sizes).toEqual([standing.size])
})

test('what is dispatched while a part is worked on does not stand in the next', async () => {
  const { stretch, send, standing } = await planted()
  const found: string[] = []
  for await (const { offsets } of standingParts({ reader, stretch, membersMax: MEMBERS_MAX, signal })) {
    if (found.length === 0) await send(Array.from({ length: MEMBERS }, (_, n) => tombstone(n)))
    found.push(...offsets.members())
  }
  expect(found.length).toBeGreaterThan(0)
  expect(found.length).toBeLessThanOrEqual(MEMBERS_MAX)
  expect(found.filter(member => !standing.has(member))).toEqual([])
})

test('of some members only those are looked for', async () => {
  const { stretch, standing } = await planted()
  const wanted = new Set([keyOf(1), keyOf(3), keyOf(5)])
  const found = await standingOf(reader, await stretch(), wanted, signal)
  expect(await offsetsRead(found)).toEqual([...standing].filter(([member]) => wanted.has(member)))
})

test('a signal that aborts ends it', async () => {
  const { stretch } = await planted()
  const parts = standingParts({ reader, stretch, membersMax: MEMBERS, signal: AbortSignal.abort() })
  await expect(Array.fromAsync(parts)).rejects.toMatchObject({ code: 'cancelled' })
})
