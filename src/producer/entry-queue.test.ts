import { describe, expect, it } from 'vitest'
import { ErrandError } from '../core/errors.ts'
import { PRODUCER_LIMITS } from '../core/limits.ts'
import { EntryQueue } from './entry-queue.ts'
import type { Entry } from './write-call.ts'
import { WriteCall } from './write-call.ts'
import { toEntry } from './write-record.ts'

const { queueRecordsMax, queueBytesMax, givenUpRecordsMax, givenUpBytesMax } = PRODUCER_LIMITS
const late = { ok: false, error: new ErrandError('unavailable', 'late') } as const

/** A call's records; `name` is their key. */
function callOf(name: string, records: number, recordBytes = 100): { call: WriteCall; entries: Entry[] } {
  const call = new WriteCall(records, records * recordBytes, 1_000, 0)
  const record = { topic: 't', partition: 0, key: name, value: 'v' }
  return { call, entries: Array.from({ length: records }, (_, index) => toEntry(record, call, index, recordBytes)) }
}

/** The names of the next records, at most so many. */
function takeNames(queue: EntryQueue, limit = Number.MAX_SAFE_INTEGER): (string | Buffer | null)[] {
  const names: (string | Buffer | null)[] = []
  queue.take(({ key }) => names.length < limit && names.push(key) > 0)
  return names
}

describe('EntryQueue', () => {
  it('hands records out in their order, and keeps those behind the first that is not taken', () => {
    const queue = new EntryQueue()
    queue.push([...callOf('a', 2).entries, ...callOf('b', 1).entries])
    queue.push(callOf('c', 1).entries)
    expect(takeNames(queue, 3)).toEqual(['a', 'a', 'b'])
    expect([queue.records, queue.bytes]).toEqual([1, 100])
    expect(takeNames(queue)).toEqual(['c'])
    expect([queue.records, queue.bytes]).toEqual([0, 0])
  })

  it('hands out nothing of a call that was given up', () => {
    const queue = new EntryQueue()
    const given = callOf('given up', 2)
    queue.push(given.entries)
    queue.push(callOf('waits', 1).entries)
    given.call.settleRest(late)
    expect(takeNames(queue)).toEqual(['waits'])
    expect([queue.records, queue.bytes]).toEqual([0, 0])
  })

  it.each([
    { what: 'records', records: 10_000, recordBytes: 100 },
    { what: 'bytes', records: 20, recordBytes: 900 * 1_024 },
  ])('keeps to its bound of $what while call after call is given up', ({ records, recordBytes }) => {
    const queue = new EntryQueue()
    queue.push(callOf('first', 3).entries)
    for (let round = 0; round < 100; round++) {
      const { call, entries } = callOf('given up', records, recordBytes)
      queue.push(entries)
      call.settleRest(late)
      expect(queue.records).toBeLessThanOrEqual(givenUpRecordsMax + records)
      expect(queue.bytes).toBeLessThanOrEqual(givenUpBytesMax + records * recordBytes)
    }
    queue.push(callOf('last', 2).entries)
    expect(takeNames(queue)).toEqual(['first', 'first', 'first', 'last', 'last'])
  })

  it('keeps to its bound while all that it may hold is given up at once, again and again', () => {
    const queue = new EntryQueue()
    for (let round = 0; round < 4; round++) {
      const open = Array.from({ length: 20 }, () =>
        callOf('waits', queueRecordsMax / 20, queueBytesMax / queueRecordsMax),
      )
      for (const { entries } of open) {
        queue.push(entries)
        expect(queue.records).toBeLessThanOrEqual(queueRecordsMax + givenUpRecordsMax)
        expect(queue.bytes).toBeLessThanOrEqual(queueBytesMax + givenUpBytesMax)
      }
      for (const { call } of open) call.settleRest(late)
    }
  })

  it('looks through what waits only once much has come', () => {
    const queue = new EntryQueue()
    const waiting = callOf('waits', queueRecordsMax / 2)
    queue.push(waiting.entries)
    let looks = 0
    Object.defineProperty(waiting.call, 'isDone', { get: () => ++looks < 0 })
    for (let n = 0; n < givenUpRecordsMax; n++) queue.push(callOf('one', 1).entries)
    expect(looks).toBe(0)
    queue.push(callOf('one', 1).entries)
    expect(looks).toBe(waiting.entries.length)
  })
})
