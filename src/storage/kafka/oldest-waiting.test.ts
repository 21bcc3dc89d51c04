// The looks at a log that is simulated: which records are read, which are asked about, and which one is the oldest.

import { beforeEach, expect, test } from 'vitest'
import { FIGURES_LIMITS } from '../../core/limits.ts'
import { newActivity } from '../../core/new-activity.ts'
import { encodeActivity } from '../../wire/activity-record.ts'
import type { Depth } from './lane-depths.ts'
import { OldestWaiting } from './oldest-waiting.ts'

const [few, many] = FIGURES_LIMITS.recordsPerRead
const START_MS = 1_700_000_000_000

/** One partition whose record at an offset became ready so many ms after the start. */
class Log {
  readonly running = new Set<number>()
  readonly poison = new Set<number>()
  readonly reads: number[] = []
  asked = 0
  end = 0

  read = ({ topic, partition, offset, maxRecords = 1 }: ReadRequest) => {
    this.reads.push(offset)
    const count = Math.max(0, Math.min(maxRecords, this.end - offset))
    const records = Array.from({ length: count }, (_, at) => ({
      ...{ topic, partition, offset: offset + at, timestampMs: 0, key: null, headers: {} },
      value: this.poison.has(offset + at) ? Buffer.from('garbage') : valueOf(offset + at),
    }))
    return Promise.resolve({ records, low: 0, high: this.end, gone: false, nextOffset: offset + count })
  }
}

interface ReadRequest {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly maxRecords?: number
}

function valueOf(offset: number): Uint8Array {
  const ids = { next: () => `id-${offset}` }
  return Buffer.from(encodeActivity(newActivity({ type: 'mail', payload: null }, { ids, nowMs: START_MS + offset })))
}

let log: Log
let oldest: OldestWaiting
beforeEach(() => {
  log = new Log()
  oldest = new OldestWaiting({
    read: log.read,
    standings: async heads => {
      log.asked += heads.length
      expect(heads.length).toBeLessThanOrEqual(FIGURES_LIMITS.standingsAtOnceMax)
      return heads.map(({ offset }) => !log.running.has(offset))
    },
  })
})

const depth = (low: number, finished: readonly (readonly [number, number])[] = [], partition = 0): Depth => {
  const finishedRuns = finished.map(([from, to]) => ({ from, to }))
  const finishedAhead = finishedRuns.reduce((sum, { from, to }) => sum + to - from, 0)
  return { topic: 'ns.mail.normal', partition, low, high: log.end, finishedAhead, finishedRuns }
}

/** The offset of the oldest that waits, by its time. */
async function look(...of: Parameters<typeof depth>): Promise<number | undefined> {
  const since = (await oldest.look([depth(...of)])).get(`ns.mail.normal:${of[2] ?? 0}`)
  return since === undefined ? undefined : since - START_MS
}

function run(from: number, to: number): void {
  for (let offset = from; offset < to; offset++) log.running.add(offset)
}

test('a partition that stands still is read once, however often it is looked at', async () => {
  log.end = 1_000
  run(0, 3)
  for (let time = 0; time < 5; time++) expect(await look(0)).toBe(3)
  expect(log.reads).toEqual([0])
})

test('what was kept is enough when the frontier moves, what runs is finished, or more comes in', async () => {
  log.end = 10
  run(0, 3)
  expect(await look(0)).toBe(3)
  log.end = 20
  run(3, 6)
  expect(await look(2, [[3, 5]])).toBe(6)
  expect(log.reads).toEqual([0])
})

test('what is given back is the oldest again, without a read', async () => {
  log.end = 10
  run(0, 5)
  expect(await look(0)).toBe(5)
  log.running.delete(2)
  expect(await look(0)).toBe(2)
  expect(log.reads).toEqual([0])
})

test('behind what runs it reads on, more at once, past what is finished, and from there at the next look', async () => {
  log.end = 5_000
  run(0, 700)
  expect(await look(0, [[few, 400]])).toBe(700)
  expect(log.reads).toEqual([0, 400])
  run(700, 912)
  expect(await look(0, [[few, 400]])).toBe(400 + many)
  expect(log.reads).toEqual([0, 400, 400 + many])
})

test('at the end nothing waits; what comes after it is seen by the next look', async () => {
  log.end = 10
  run(0, 100)
  expect(await look(0)).toBeUndefined()
  expect(await look(0)).toBeUndefined()
  expect(log.reads).toEqual([0])
  log.end = 200
  expect(await look(0)).toBe(100)
  expect(log.reads).toEqual([0, 10, 42])
})

test('what comes in while it is read belongs to the next look', async () => {
  log.end = 10
  const asked = depth(0)
  log.end = 200
  run(0, 10)
  expect(await oldest.look([asked])).toEqual(new Map())
  expect(await look(0)).toBe(10)
})

test('poison is passed over', async () => {
  log.end = 5
  log.poison.add(0).add(1)
  expect(await look(0)).toBe(2)
})

test('a log that was made anew, or trimmed beyond what is kept, is read anew', async () => {
  log.end = 500
  run(0, 3)
  expect(await look(0)).toBe(3)
  log.end = 4
  log.running.clear()
  expect(await look(0)).toBe(0)
  log.end = 500
  expect(await look(300)).toBe(300)
  expect(log.reads).toEqual([0, 0, 300])
})

test('one look reads no more than its bound, the next goes on, those first that waited longest', async () => {
  const { readsPerLookMax, recordsKeptMax } = FIGURES_LIMITS
  const places = Array.from({ length: readsPerLookMax + 6 }, (_, partition) => partition)
  log.end = 10
  const first = await oldest.look(places.map(partition => depth(0, [], partition)))
  expect(first.size).toBe(readsPerLookMax)
  expect(log.reads).toHaveLength(readsPerLookMax)
  const second = await oldest.look(places.map(partition => depth(0, [], partition)))
  expect(second.size).toBe(places.length)
  expect(log.reads).toHaveLength(places.length)
  expect(recordsKeptMax).toBeGreaterThan(many)
})

test('where every partition moves too far for what is kept, all of them have their turn', async () => {
  const places = Array.from({ length: FIGURES_LIMITS.readsPerLookMax * 2 }, (_, partition) => partition)
  const found = new Set<string>()
  for (const low of [0, 1_000]) {
    log.end = low + 100
    for (const key of (await oldest.look(places.map(partition => depth(low, [], partition)))).keys()) found.add(key)
  }
  expect(found.size).toBe(places.length)
})

test('where more runs than is kept, the oldest is found all the same, and what was let go is seen again at the end', async () => {
  const { recordsKeptMax } = FIGURES_LIMITS
  log.end = recordsKeptMax * 3
  run(0, recordsKeptMax * 2)
  expect(await look(0)).toBe(recordsKeptMax * 2)
  run(0, log.end)
  expect(await look(0)).toBeUndefined()
  log.running.delete(7)
  expect(await look(0)).toBe(7)
})

test('what is no longer asked about is forgotten', async () => {
  log.end = 5
  expect(await look(0)).toBe(0)
  await oldest.look([])
  expect(await look(0)).toBe(0)
  expect(log.reads).toEqual([0, 0])
})
