import { describe, expect, it } from 'vitest'
import { ErrandError } from '../core/errors.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { OpenCalls, WriteCall } from './write-call.ts'
import { checkRecord, recordBytes, toEntry } from './write-record.ts'

const late = { ok: false, error: new ErrandError('unavailable', 'late') } as const

describe('OpenCalls', () => {
  function setup() {
    const clock = new ManualClock()
    const expired: number[] = []
    const calls = new OpenCalls(clock, call => {
      expired.push(call.deadlineMs)
      call.settleRest(late)
      calls.remove(call)
    })
    const open = (deadlineMs: number): WriteCall => {
      const call = new WriteCall(2, 10, deadlineMs, clock.monotonicMs())
      calls.add(call)
      return call
    }
    return { clock, calls, expired, open }
  }

  it('ends each call at its own deadline, whatever the order', async () => {
    const { clock, expired, open } = setup()
    open(300)
    open(100)
    open(200)
    await clock.advance(150)
    expect(expired).toEqual([100])
    await clock.advance(150)
    expect(expired).toEqual([100, 200, 300])
    expect(clock.pendingTimers).toBe(0)
  })

  it('keeps answers that came before the deadline', async () => {
    const { clock, open } = setup()
    const call = open(100)
    call.settle(1, { ok: true, offset: '5' })
    await clock.advance(100)
    call.settle(0, { ok: true, offset: '6' })
    expect(await call.answered).toEqual([late, { ok: true, offset: '5' }])
  })

  it('counts what waits, and sets no timer when nothing does', async () => {
    const { clock, calls, open } = setup()
    const call = open(100)
    expect([calls.records, calls.bytes]).toEqual([2, 10])
    let isIdle = false
    const idle = calls.whenIdle().then(() => (isIdle = true))
    expect(isIdle).toBe(false)
    calls.remove(call)
    await idle
    expect([calls.records, calls.bytes, clock.pendingTimers]).toEqual([0, 0, 0])
  })
})

describe('records', () => {
  const record = { topic: 't', partition: 0, key: 'k', value: 'ü', headers: { h: new Uint8Array([1, 2]) } }

  it('measures bytes, not characters', () => {
    expect(recordBytes(record) - recordBytes({ ...record, value: 'u' })).toBe(1)
    expect(recordBytes({ ...record, value: null })).toBeLessThan(recordBytes(record))
  })

  it('hands bytes on as Buffers over the same memory', () => {
    const bytes = new Uint8Array([0, 1, 2, 3]).subarray(1, 3)
    const entry = toEntry({ ...record, value: bytes }, new WriteCall(1, 1, 1, 0), 0, 1)
    expect(entry.value).toEqual(Buffer.from([1, 2]))
    expect(entry.headers?.['h']).toEqual(Buffer.from([1, 2]))
  })

  it.each([
    [{ ...record, topic: '' }, 'topic'],
    [{ ...record, partition: -1 }, 'partition'],
    [{ ...record, partition: 0.5 }, 'partition'],
    [{ ...record, partition: Number.NaN }, 'partition'],
  ])('refuses %j', (bad, field) => {
    expect(checkRecord(bad)).toMatchObject({ code: 'invalid_argument', details: { field } })
  })

  it('accepts a tombstone', () => {
    expect(checkRecord({ ...record, value: null })).toBeUndefined()
  })
})
