// What the dumped records say, read with plain JSON.parse by the fields of the published record formats: Errand's own wire
// code has no part in it.

import type { AttemptOutcome } from '../../../src/core/activity.ts'
import { ErrandError } from '../../../src/core/errors.ts'
import type { DumpedRecord, Evidence } from '../evidence.ts'
import type { DeadLetterSeen, Ending, LiveRecord } from './case-file.ts'

/** A delay record, or the tombstone of one. */
export interface DelaySeen extends LiveRecord {
  /** Its key: `id:attempt`, of a long attempt's home with `/` and a UUID behind it. */
  readonly key: string
  readonly isTombstone: boolean
}

/** All records of a namespace, by kind. */
export interface TopicRecords {
  readonly lanes: readonly (LiveRecord & { readonly redriveOf: string | null })[]
  readonly delays: readonly DelaySeen[]
  readonly endings: readonly Ending[]
  readonly deadLetters: readonly DeadLetterSeen[]
  /** Records that Errand itself took for none of its own: where they came from, and why. */
  readonly poison: readonly string[]
  /** Records that are not what their topic holds. */
  readonly unreadable: readonly string[]
}

type Fields = Readonly<Record<string, unknown>>

/** Reads all records of a dump. */
export function topicRecords({ run, topics }: Pick<Evidence, 'run' | 'topics'>): TopicRecords {
  const records = { lanes: [], delays: [], endings: [], deadLetters: [], poison: [], unreadable: [] }
  for (const record of topics.records) {
    try {
      take(records, record, record.topic.slice(run.namespace.length + 1))
    } catch (error) {
      const { topic, partition, offset } = record
      addTo<string>(records.unreadable, `${topic}/${partition}@${offset}: ${String(error)}`)
    }
  }
  return records
}

type Lists = { readonly [Name in keyof TopicRecords]: TopicRecords[Name][number][] }

function addTo<T>(list: T[], item: T): void {
  list.push(item)
}

function take(records: Lists, record: DumpedRecord, name: string): void {
  if (name === 'delay') records.delays.push(delayOf(record))
  else if (name === 'outcomes') records.endings.push(endingOf(record))
  else if (name === 'dlq' && record.headers['errand-kind'] === 'poison') records.poison.push(poisonOf(record))
  else if (name === 'dlq') records.deadLetters.push(deadLetterOf(record))
  else records.lanes.push({ ...activityOf(record), redriveOf: textOrNull(fieldsOf(record)['redrive_of']) })
}

function fieldsOf({ value }: DumpedRecord): Fields {
  const fields: unknown = JSON.parse(value ?? 'null')
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields))
    throw new ErrandError('serialization', 'not a JSON object')
  return fields as Fields
}

function activityOf(record: DumpedRecord): LiveRecord {
  const fields = fieldsOf(record)
  const { topic, partition, offset } = record
  return { topic, partition, offset, id: text(fields, 'id'), attempt: number(fields, 'attempt') }
}

function delayOf(record: DumpedRecord): DelaySeen {
  const { topic, partition, offset, key, value } = record
  const colon = key?.lastIndexOf(':') ?? -1
  if (key === null || colon === -1) throw new ErrandError('serialization', 'its key is not id:attempt')
  const id = key.slice(0, colon)
  const attempt = Number(key.slice(colon + 1).split('/', 1)[0])
  if (!Number.isInteger(attempt)) throw new ErrandError('serialization', 'its key is not id:attempt')
  if (value !== null && activityOf(record).id !== id)
    throw new ErrandError('serialization', `it stands under the key of ${id}`)
  return { topic, partition, offset, key, id, attempt, isTombstone: value === null }
}

function endingOf(record: DumpedRecord): Ending {
  const fields = fieldsOf(record)
  const outcome = text(fields, 'outcome') as AttemptOutcome
  const leaseId = textOrNull(fields['lease_id'])
  return {
    id: text(fields, 'id'),
    type: text(fields, 'activity_type'),
    priority: text(fields, 'priority'),
    attempt: number(fields, 'attempt'),
    outcome,
    leaseId,
    startedAtMs: timeOrNull(fields['started_at']),
    endedAtMs: time(fields, 'ended_at'),
    nextAttemptAtMs: timeOrNull(fields['next_attempt_at']),
    partition: record.partition,
    offset: record.offset,
    retryCount: number(fields, 'retry_count'),
    createdAtMs: time(fields, 'created_at'),
    resultJson: JSON.stringify(fields['result'] ?? null),
    isReaped: outcome === 'lease_expired' || leaseId?.startsWith('reaper-') === true,
    copies: 1,
  }
}

function deadLetterOf(record: DumpedRecord): DeadLetterSeen {
  const fields = fieldsOf(record)
  const letter = fields['dead_letter']
  if (typeof letter !== 'object' || letter === null) throw new ErrandError('serialization', 'no dead_letter')
  return {
    partition: record.partition,
    offset: record.offset,
    id: text(fields, 'id'),
    attempts: number(letter as Fields, 'attempts'),
    type: text(fields, 'activity_type'),
    priority: text(fields, 'priority'),
    payloadJson: payloadOf(record.value ?? ''),
    headers: record.headers,
  }
}

/**
 * The payload's own text, since parsing and writing it again would hide what was changed in it. It stands last; what comes
 * before it and could look like it would be inside of a string, where quotes are escaped.
 */
function payloadOf(value: string): string | null {
  const marker = ',"payload":'
  const at = value.indexOf(marker)
  return at === -1 ? null : value.slice(at + marker.length, -1)
}

function poisonOf({ headers }: DumpedRecord): string {
  const [topic, partition, offset, reason] = ['source-topic', 'source-partition', 'source-offset', 'reason'].map(
    name => headers[`errand-${name}`],
  )
  return `${topic}/${partition}@${offset}: ${reason}`
}

function text(fields: Fields, name: string): string {
  const value = fields[name]
  if (typeof value !== 'string') throw new ErrandError('serialization', `${name} is ${JSON.stringify(value)}`)
  return value
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

function number(fields: Fields, name: string): number {
  const value = fields[name]
  if (typeof value !== 'number') throw new ErrandError('serialization', `${name} is ${JSON.stringify(value)}`)
  return value
}

function time(fields: Fields, name: string): number {
  const ms = Date.parse(text(fields, name))
  if (Number.isNaN(ms)) throw new ErrandError('serialization', `${name} is no time`)
  return ms
}

function timeOrNull(value: unknown): number | null {
  return typeof value === 'string' ? Date.parse(value) : null
}
