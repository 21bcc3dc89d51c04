// Ways to spoil evidence that is made by hand: find what is there, change it, add to it.

import { ErrandError } from '../../../src/core/errors.ts'
import type { CallLine, DumpedRecord, Evidence, HistoryLine, LedgerLine, OffsetSample } from '../evidence.ts'

/** What can be changed, all the way down. */
export type Mutable<T> = T extends readonly (infer Item)[]
  ? Mutable<Item>[]
  : T extends object
    ? { -readonly [Name in keyof T]: Mutable<T[Name]> }
    : T

/** Evidence to be spoilt. */
export type Spoilt = Mutable<Evidence>

/** A way to break a promise: what it is, the number of the promise, and how it is done. */
export type Planted = readonly [name: string, invariant: string, plant: (spoilt: Spoilt) => void]

const MONO_0 = 10_000
const REDIS_0 = Date.UTC(2026, 0, 1)

/** So long after the run began, on the monotonic clock. */
export function monoAt(at: number): number {
  return MONO_0 + at
}

/** So long after the run began, by Redis's clock. */
export function redisAt(at: number): number {
  return REDIS_0 + at
}

/** So long after the run began, as records say it. */
export function isoAt(at: number): string {
  return new Date(redisAt(at)).toISOString()
}

/** Evidence with one thing changed. */
export function spoil(evidence: Evidence, plant: (spoilt: Spoilt) => void): Evidence {
  const spoilt = structuredClone(evidence) as Spoilt
  plant(spoilt)
  return spoilt
}

type LineOf<Op extends CallLine['op'], Phase extends CallLine['phase']> = Mutable<
  HistoryLine & { readonly op: Op; readonly phase: Phase }
>

/** The lines of one kind about an activity. */
export function linesOf<Op extends CallLine['op'], Phase extends CallLine['phase']>(
  spoilt: Spoilt,
  id: string,
  op: Op,
  phase: Phase,
): LineOf<Op, Phase>[] {
  return spoilt.history.filter(line => line.id === id && line.op === op && line.phase === phase) as LineOf<Op, Phase>[]
}

/** The nth line of one kind about an activity. */
export function lineOf<Op extends CallLine['op'], Phase extends CallLine['phase']>(
  spoilt: Spoilt,
  id: string,
  op: Op,
  phase: Phase,
  nth = 0,
): LineOf<Op, Phase> {
  return needed(linesOf(spoilt, id, op, phase)[nth], `line ${nth} of ${id} (${op} ${phase})`)
}

/** Adds a line, under a process of its own unless it names one. */
export function addLine(spoilt: Spoilt, at: number, line: CallLine & { readonly proc?: string }): void {
  const proc = line.proc ?? 'extra-1'
  const seq = spoilt.history.filter(each => each.proc === proc).length + 1
  spoilt.history.push({ ...line, proc, seq, mono: monoAt(at) })
}

/** Adds a ledger line. */
export function addLedger(
  spoilt: Spoilt,
  at: number,
  line: Pick<LedgerLine, 'what' | 'id' | 'attempt' | 'leaseId'>,
): void {
  spoilt.ledger.push({ ...line, proc: 'worker-9', pid: 1, mono: monoAt(at) })
}

/** The records of a topic (without its namespace) that this is true of. */
export function recordsOf(
  spoilt: Spoilt,
  topic: string,
  test: (fields: Record<string, unknown>) => boolean,
): Mutable<DumpedRecord>[] {
  return spoilt.topics.records.filter(record => record.topic === `sound.${topic}` && test(fieldsOf(record)))
}

/** The outcome record of an attempt. */
export function outcomeOf(spoilt: Spoilt, id: string, attempt = 1): Mutable<DumpedRecord> {
  const [record] = recordsOf(spoilt, 'outcomes', fields => fields['id'] === id && fields['attempt'] === attempt)
  return needed(record, `the outcome of attempt ${attempt} of ${id}`)
}

/** Changes fields of a record. */
export function setFields(record: Mutable<DumpedRecord>, fields: Record<string, unknown>): void {
  record.value = JSON.stringify({ ...fieldsOf(record), ...fields })
}

/** Adds a record to a topic, after all that are there. */
export function addRecord(
  spoilt: Spoilt,
  topic: string,
  record: Partial<DumpedRecord> & Pick<DumpedRecord, 'key' | 'value'>,
): void {
  const name = `sound.${topic}`
  const bounds = needed(
    spoilt.topics.partitions.find(each => each.topic === name && each.partition === 0),
    `partition 0 of ${name}`,
  )
  spoilt.topics.records.push({ topic: name, partition: 0, offset: bounds.high, headers: {}, ...record })
  bounds.high += 1
  bounds.readTo += 1
}

/** Adds a copy of an outcome record with some of its fields changed. */
export function addOutcome(spoilt: Spoilt, id: string, fields: Record<string, unknown>, attempt = 1): void {
  const record = outcomeOf(spoilt, id, attempt)
  addRecord(spoilt, 'outcomes', { key: id, value: JSON.stringify({ ...fieldsOf(record), ...fields }) })
}

/** Takes records away. */
export function dropRecords(spoilt: Spoilt, dropped: readonly DumpedRecord[]): void {
  const gone = new Set(dropped)
  spoilt.topics.records = spoilt.topics.records.filter(record => !gone.has(record))
}

/** The looks at the lane partition in which an activity's first claim says it stood. */
export function looksAtLaneOf(spoilt: Spoilt, id: string): { offset: number; samples: Mutable<OffsetSample>[] } {
  const { topic, partition, offset } = lineOf(spoilt, id, 'claim', 'answer')
  const samples = spoilt.offsets.filter(sample => sample.topic === topic && sample.partition === partition)
  return { offset: Number(offset), samples }
}

/** Enqueues one more activity, which is accepted. */
export function addAccepted(spoilt: Spoilt, id: string, at: number): void {
  const { proc: _, seq: __, mono: ___, ...invoke } = lineOf(spoilt, 'plain-0', 'enqueue', 'invoke')
  addLine(spoilt, at, { ...invoke, id })
  addLine(spoilt, at + 5, { op: 'enqueue', phase: 'answer', id, outcome: 'created', existingId: null })
}

function fieldsOf({ value }: Pick<DumpedRecord, 'value'>): Record<string, unknown> {
  return JSON.parse(value ?? '{}') as Record<string, unknown>
}

/** What must be there, or the test itself is wrong. */
export function needed<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new ErrandError('internal', `there is no ${what}`)
  return value
}
