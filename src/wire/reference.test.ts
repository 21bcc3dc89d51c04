// docs/reference/wire.md is for people who write records in other languages: its tables and what we validate must agree.

import { readFileSync } from 'node:fs'

import { describe, expect, test } from 'vitest'

import { activityFields } from './activity-fields.ts'
import { decodeActivity } from './activity-record.ts'
import { deadLetterFields } from './dead-letter-record.ts'
import { delayFields } from './delay-record.ts'
import { HEADERS } from './headers.ts'
import { outcomeFields } from './outcome-record.ts'

const page = readFileSync(new URL('../../docs/reference/wire.md', import.meta.url), 'utf8')

/** The rows of a section's table: what stands in the first and the last column. */
function rowsOf(section: string): { name: string; last: string }[] {
  const text = page.split('\n## ').find(part => part.startsWith(`${section}\n`)) ?? ''
  return [...text.matchAll(/^\| `([^`]+)` +\|.*\| ([^|]*[^| ]) +\|$/gm)].map(([, name = '', last = '']) => ({
    name,
    last,
  }))
}

interface Field {
  safeParse(value: unknown): { success: boolean }
}

describe.each<[string, Readonly<Record<string, Field>>, string | null]>([
  ['Activity record', activityFields.shape, 'payload'],
  ['Outcome record', outcomeFields.shape, 'result'],
  ['Dead-letter record', deadLetterFields.shape.dead_letter.shape, null],
])('the table of the %s', (section, shape, carried) => {
  const rows = rowsOf(section)

  test('names every field that is read, and no other', () => {
    const names = [...Object.keys(shape), ...(carried === null ? [] : [carried])]
    expect(rows.map(row => row.name).toSorted()).toEqual(names.toSorted())
  })

  test('says required of those that cannot be left out, and of no other', () => {
    const required = Object.keys(shape).filter(name => !shape[name]?.safeParse(undefined).success)
    const said = rows.filter(row => row.last === 'required' && row.name !== carried)
    expect(said.map(row => row.name).toSorted()).toEqual(required.toSorted())
  })
})

test('a delay record is an activity record with due_at', () => {
  expect(rowsOf('Delay record')).toEqual([{ name: 'due_at', last: 'required' }])
  expect(Object.keys(delayFields.shape).toSorted()).toEqual([...Object.keys(activityFields.shape), 'due_at'].toSorted())
})

test('a dead-letter record is an activity record with dead_letter', () => {
  const expected = [...Object.keys(activityFields.shape), 'dead_letter']
  expect(Object.keys(deadLetterFields.shape).toSorted()).toEqual(expected.toSorted())
})

test('the table of headers names every header, and no other', () => {
  expect(
    rowsOf('Headers')
      .map(row => row.name)
      .toSorted(),
  ).toEqual(Object.values(HEADERS).toSorted())
})

test('the example on the page is accepted', () => {
  const example = /```json\n(.*?)```/s.exec(page)?.[1] ?? ''
  expect(decodeActivity(example)).toMatchObject({ id: 'order-4711', type: 'send-invoice', maxAttempts: 3 })
})
