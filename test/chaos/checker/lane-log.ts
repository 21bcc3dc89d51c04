// The lanes of a run that is made by hand: records with their offsets, what a group would have committed when, and what a
// reaper would have cut off since.

import { ErrandError } from '../../../src/core/errors.ts'
import { PRIORITIES } from '../../../src/core/priority.ts'
import type { DumpedRecord, OffsetSample, TopicDump } from '../evidence.ts'
import type { Wanted } from './run-builder.ts'

/** Of every topic. */
export const PARTITIONS = 2
const SAMPLE_MS = 1_000
/** A lane is cut off where it was committed so many samples ago. */
const TRIM_SAMPLES = 3

interface LaneRecord {
  readonly id: string
  readonly attempt: number
  readonly writtenAt: number
  readonly value: string
}

/** Lanes and their records. */
export class LaneLog {
  readonly #places = new Map<string, LaneRecord[]>()
  readonly #namespace: string

  constructor(namespace: string) {
    this.#namespace = namespace
    for (const type of ['alpha', 'beta']) {
      for (const priority of PRIORITIES) {
        for (let at = 0; at < PARTITIONS; at++) this.#places.set(`${namespace}.${type}.${priority}/${at}`, [])
      }
    }
  }

  write({ id, type, priority }: Wanted, attempt: number, writtenAt: number, value: string): void {
    const records = this.#places.get(`${this.#namespace}.${type}.${priority}/${partitionOf(id)}`)
    if (records === undefined) throw new ErrandError('internal', `no lane for ${id}`)
    records.push({ id, attempt, writtenAt, value })
    // As they were written, in whatever order the run was told.
    records.sort((a, b) => a.writtenAt - b.writtenAt)
  }

  /** Where the latest record of an attempt stands, and when it was due. */
  positionOf(
    id: string,
    attempt: number,
  ): { topic: string; partition: number; offset: number; dueAtMs: number | null } {
    for (const [place, records] of this.#places) {
      const offset = records.findLastIndex(each => each.id === id && each.attempt === attempt)
      const record = records[offset]
      if (record === undefined) continue
      const { scheduled_at } = JSON.parse(record.value) as { scheduled_at: string | null }
      const { topic, partition } = partsOf(place)
      return { topic, partition, offset, dueAtMs: scheduled_at === null ? null : Date.parse(scheduled_at) }
    }
    throw new ErrandError('internal', `attempt ${attempt} of ${id} is in no lane`)
  }

  /** What is seen of the lanes while it runs, and at its end. */
  dump(params: {
    readonly untilMs: number
    readonly mono0: number
    readonly endedAt: (id: string, attempt: number) => number
  }): Pick<TopicDump, 'records' | 'partitions'> & { readonly samples: OffsetSample[] } {
    const samples: OffsetSample[] = []
    const kept: DumpedRecord[] = []
    const partitions: TopicDump['partitions'][number][] = []
    for (const [place, records] of this.#places) {
      const { topic, partition } = partsOf(place)
      const commits: number[] = []
      const group = `${topic.split('.').slice(0, 2).join('.')}.workers`
      for (let at = SAMPLE_MS; at <= params.untilMs; at += SAMPLE_MS) {
        const high = records.filter(({ writtenAt }) => writtenAt <= at).length
        const open = records.findIndex(
          ({ id, attempt, writtenAt }) => writtenAt <= at && params.endedAt(id, attempt) > at,
        )
        const low = commits.at(-TRIM_SAMPLES) ?? 0
        const committed = open === -1 ? high : open
        commits.push(committed)
        samples.push({ mono: params.mono0 + at, group, topic, partition, committed, low, high })
      }
      const [low, high] = [commits.at(-TRIM_SAMPLES) ?? 0, records.length]
      for (const [at, { id, attempt, value }] of records.slice(low).entries()) {
        kept.push({
          topic,
          partition,
          offset: low + at,
          key: id,
          value,
          headers: { 'errand-attempt': String(attempt) },
        })
      }
      partitions.push({ topic, partition, low, high, committed: commits.at(-1) ?? -1, readTo: high })
    }
    return { samples, records: kept, partitions }
  }
}

function partsOf(place: string): { topic: string; partition: number } {
  const slash = place.lastIndexOf('/')
  return { topic: place.slice(0, slash), partition: Number(place.slice(slash + 1)) }
}

/** All records of an activity stand in one partition of each topic. */
export function partitionOf(id: string): number {
  return (id.codePointAt(id.length - 1) ?? 0) % PARTITIONS
}
