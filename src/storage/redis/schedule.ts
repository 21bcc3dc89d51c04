// The due-time index of `ns.delay`: which attempt is due when, with its envelope, until it is dispatched.

import type { Activity, DelayRecord } from '../../core/activity.ts'
import { LIMITS, REHOMING_LIMITS, SCHEDULE_LIMITS } from '../../core/limits.ts'
import { delayKey } from '../../core/topics.ts'
import { countField } from './attempts.ts'
import type { SideStore } from './side-store.ts'
import { batches, rows } from './side-store.ts'

/** A scheduled attempt as it is indexed. `partition`: where its delay record is, so that its tombstone follows it. */
export interface IndexEntry {
  readonly record: DelayRecord
  readonly partition: number
  /** The activity record's own text. */
  readonly envelope: string
  /** The key of its delay record when that is the home of a long attempt. @defaultValue a scheduled attempt's */
  readonly home?: string
}

/** `over`: Redis knows that this attempt has run or will not; homes never are · `known`: was there already. */
export type IndexAnswer = 'indexed' | 'known' | 'over'

/** Indexes scheduled attempts. One answer per entry, in order. */
export async function index(store: SideStore, entries: readonly IndexEntry[]): Promise<IndexAnswer[]> {
  const { keys } = store
  const answers: IndexAnswer[] = []
  for (const batch of batches(entries, LIMITS.scriptBatchMax)) {
    const reply = await store.main.run(
      'index',
      [keys.due, keys.delayed, keys.scheduledCounts, ...batch.map(entry => keys.marker(entry.record.activity.id))],
      [REHOMING_LIMITS.lookMs, ...batch.flatMap(fieldsOf)],
    )
    answers.push(...(reply as IndexAnswer[]))
  }
  return answers
}

function fieldsOf({ record: { activity, dueAtMs }, partition, envelope, home }: IndexEntry): (string | number)[] {
  const field = home === undefined ? countField(activity) : homeField(activity)
  const member = home ?? delayKey(activity.id, activity.attempt)
  const value = `${field}|${partition}|${envelope}`
  return [member, activity.attempt, dueAtMs, value, field, home === undefined ? '' : '1']
}

/** The field that homes are counted by: what they stand for is not scheduled. */
export function homeField(activity: Pick<Activity, 'type' | 'priority'>): string {
  return `${countField(activity)}:home`
}

/** What has become of an attempt that has a home: `waiting` for a lane, since it was given back or Redis has lost it. */
export type HomeStanding = 'running' | 'waiting' | 'over'

/** Looks at homes that are due; those whose attempts run are due again later. One answer per home, in order. */
export async function lookAtHomes(
  store: SideStore,
  homes: readonly { readonly member: string; readonly activity: Pick<Activity, 'id' | 'attempt'> }[],
): Promise<HomeStanding[]> {
  const answers: HomeStanding[] = []
  for (const batch of batches(homes, LIMITS.scriptBatchMax)) {
    const reply = await store.main.run(
      'look',
      [store.keys.due, ...batch.map(({ activity }) => store.keys.marker(activity.id))],
      [REHOMING_LIMITS.lookMs, ...batch.flatMap(({ member, activity }) => [member, activity.attempt])],
    )
    answers.push(...(reply as HomeStanding[]))
  }
  return answers
}

/** What is due now. */
export interface DueEntry {
  readonly member: string
  readonly partition: number
  readonly envelope: string
}

/** Takes up to `limit` due entries for `claimMs`, and says when by Redis's clock; none from a Redis that was not told yet what is not scheduled any more. */
export async function takeDue(
  store: SideStore,
  params: { readonly limit: number; readonly claimMs: number },
): Promise<{ readonly entries: readonly DueEntry[]; readonly nextDueInMs: number | null; readonly atMs: number }> {
  const [next, now, ...flat] = await store.main.run(
    'due',
    [store.keys.due, store.keys.delayed, store.keys.generation],
    [params.limit, params.claimMs],
  )
  return {
    nextDueInMs: next === '' || next === undefined ? null : Number(next),
    atMs: Number(now ?? 0),
    entries: rows(flat, 2).map(([member, value]) => parseValue(member ?? '', value ?? '')),
  }
}

/** Takes an indexed value apart: `type|priority|partition|envelope`, the priority of a home with a mark behind it. */
export function parseValue(member: string, value: string): DueEntry {
  const [type = '', priority = '', partition = ''] = value.split('|', 3)
  const head = type.length + priority.length + partition.length + 3
  return { member, partition: Number(partition), envelope: value.slice(head) }
}

/** Takes entries out of the index. */
export async function forget(
  store: SideStore,
  entries: readonly { readonly member: string; readonly activity: Pick<Activity, 'type' | 'priority'> | null }[],
): Promise<void> {
  const { keys } = store
  for (const batch of batches(entries, LIMITS.scriptBatchMax)) {
    await store.main.run(
      'forget',
      [keys.due, keys.delayed, keys.scheduledCounts],
      batch.flatMap(({ member, activity }) => [member, activity === null ? '' : countField(activity)]),
    )
  }
}

/** The indexed value of an attempt, or null. */
export async function indexed(store: SideStore, member: string): Promise<{ entry: DueEntry; dueAtMs: number } | null> {
  const { redis } = store.main
  const [value, score] = await store.main.guard('the schedule', () =>
    Promise.all([redis.hget(store.keys.delayed, member), redis.zscore(store.keys.due, member)]),
  )
  return value === null ? null : { entry: parseValue(member, value), dueAtMs: Number(score ?? 0) }
}

/** Where reading the index begins, and how it says that it has ended. */
export const INDEX_START = '0'

/** Members of the index from a cursor on: at least `atLeast`, if there are so many, and some more. */
export async function indexedMembers(
  store: SideStore,
  params: { readonly cursor: string; readonly atLeast: number },
): Promise<{ readonly members: Set<string>; readonly cursor: string }> {
  const { redis } = store.main
  const members = new Set<string>()
  let { cursor } = params
  do {
    const at = cursor
    const [next, flat] = await store.main.guard('the schedule', () =>
      redis.zscan(store.keys.due, at, 'COUNT', SCHEDULE_LIMITS.scanMembers),
    )
    for (const [member] of rows(flat, 2)) if (member !== undefined) members.add(member)
    cursor = next
  } while (cursor !== INDEX_START && members.size < params.atLeast)
  return { members, cursor }
}

/** Partitions of the delay records of these members, as far as they are indexed. */
export async function* indexedPartitions(
  store: SideStore,
  members: readonly string[],
): AsyncGenerator<{ readonly member: string; readonly partition: number }[]> {
  const { redis } = store.main
  for (const batch of batches(members, SCHEDULE_LIMITS.valuesAtOnceMax)) {
    const values = await store.main.guard('the schedule', () => redis.hmget(store.keys.delayed, ...batch))
    yield batch.flatMap((member, at) => {
      const value = values[at] ?? null
      return value === null ? [] : [{ member, partition: parseValue(member, value).partition }]
    })
  }
}
