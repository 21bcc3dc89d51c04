import { describe, expect, test } from 'vitest'

import type { DeadLetterRecord, PoisonRecord } from '../core/activity.ts'
import { newActivity } from '../core/new-activity.ts'
import { decodeDlq, encodeDeadLetter, encodePoison } from './dead-letter-record.ts'

const activity = newActivity(
  { type: 't', payload: 'x', metadata: { dead_letter: 'y' } },
  { ids: { next: () => 'a' }, nowMs: 0 },
)
const deadLetter: DeadLetterRecord = {
  activity: { ...activity, payloadJson: '[12345678901234567890]' },
  attempts: 3,
  error: { name: 'TypeError', message: 'cannot read x', stack: 'at f', cause: { name: 'E', message: 'm' } },
  firstFailedAtMs: 1_000,
  failedAtMs: 2_000,
  worker: 'w-1',
  fingerprint: '0123456789abcdef',
  source: { topic: 'shop.t.normal', partition: 3, offset: '9007199254740993' },
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
}
const poison: PoisonRecord = {
  reason: 'not_json',
  source: { topic: 'shop.t.normal', partition: 0, offset: '7' },
  value: Buffer.from([0xff, 0x00]),
  key: null,
  atMs: 1_000,
}

describe('a dead letter', () => {
  test('comes back as it was written', () => {
    const { value, headers } = encodeDeadLetter(deadLetter)
    expect(decodeDlq(Buffer.from(value), headers)).toEqual({ kind: 'dead_letter', record: deadLetter })
  })

  test('without worker, source and trace too', () => {
    const record = { ...deadLetter, worker: null, source: null, traceparent: null }
    const { value, headers } = encodeDeadLetter(record)
    expect(decodeDlq(Buffer.from(value), headers)).toEqual({ kind: 'dead_letter', record })
    expect(Object.keys(headers).filter(name => name.includes('source'))).toEqual([])
    const lean = value.replace('"worker":null,', '').replace(',"source":null', '')
    expect(decodeDlq(lean, {})).toEqual({ kind: 'dead_letter', record })
    expect(value).not.toContain('traceparent')
    for (const odd of ['"none"', '42']) {
      const traced = value.replace('"source":null', `"source":null,"traceparent":${odd}`)
      expect(decodeDlq(traced, {})).toEqual({ kind: 'dead_letter', record })
    }
  })

  test('says in its headers what a filter needs', () => {
    expect(encodeDeadLetter(deadLetter).headers).toEqual({
      'errand-kind': 'dead_letter',
      'errand-source-topic': 'shop.t.normal',
      'errand-source-partition': '3',
      'errand-source-offset': '9007199254740993',
      'errand-attempts': '3',
      'errand-error-class': 'TypeError',
      'errand-fingerprint': '0123456789abcdef',
      'errand-first-failed-at': '1970-01-01T00:00:01.000Z',
      'errand-failed-at': '1970-01-01T00:00:02.000Z',
    })
  })

  test('puts nothing into headers that a user wrote, but a harmless class name', () => {
    const error = { name: `Bad\r\nname: é${'x'.repeat(500)}`, message: 'secret' }
    const values = Object.values(encodeDeadLetter({ ...deadLetter, error }).headers).join('\n')
    expect(values).toMatch(/^[A-Za-z0-9._:$\n-]+$/)
    expect(values).not.toContain('secret')
    expect(values.length).toBeLessThan(600)
  })

  test.each([
    ['dead_letter: ', /"dead_letter":\{.*\},"id"/, '"id"'],
    ['dead_letter.attempts: ', '"attempts":3', '"attempts":0'],
    ['dead_letter.source.offset: ', '"9007199254740993"', '"-1"'],
    ['dead_letter.error.name: ', '"TypeError"', '1'],
    ['payload: is missing', /,"payload":.*\]/, ''],
  ])('without a good %s is none of ours', (path, good, bad) => {
    const { value, headers } = encodeDeadLetter(deadLetter)
    expect(value.replace(good, bad)).not.toBe(value)
    expect(() => decodeDlq(value.replace(good, bad), headers)).toThrow(
      expect.objectContaining({
        message: expect.stringContaining(path) as string,
        details: { reason: 'invalid', record: 'dead-letter record' },
      }),
    )
  })
})

describe('poison', () => {
  const { key: _, ...remembered } = poison

  test('keeps the very bytes and where they stood', () => {
    const { value, headers } = encodePoison(poison)
    expect(value).toBe(poison.value)
    expect(decodeDlq(value, headers)).toEqual({ kind: 'poison', record: remembered })
    const asBytes = Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)]))
    expect(decodeDlq(value, asBytes)).toEqual({ kind: 'poison', record: remembered })
  })

  test('may have no value, or be told as text', () => {
    const { headers } = encodePoison({ ...poison, value: null })
    expect(decodeDlq(null, headers)).toEqual({ kind: 'poison', record: { ...remembered, value: null } })
    expect(decodeDlq('x', headers).record).toMatchObject({ value: Buffer.from('x') })
  })

  test('has a harmless reason in its headers', () => {
    expect(encodePoison({ ...poison, reason: 'bad\nreason' }).headers).toEqual({
      'errand-kind': 'poison',
      'errand-reason': 'bad_reason',
      'errand-source-topic': 'shop.t.normal',
      'errand-source-partition': '0',
      'errand-source-offset': '7',
      'errand-failed-at': '1970-01-01T00:00:01.000Z',
    })
  })

  test('without its headers is none of ours', () => {
    expect(() => decodeDlq(null, { 'errand-kind': 'poison' })).toThrow(/reason: .*topic: .*partition: .*offset: .*at: /)
    expect(() => decodeDlq(Buffer.from('x'), {})).toThrow(expect.objectContaining({ code: 'serialization' }))
  })
})
