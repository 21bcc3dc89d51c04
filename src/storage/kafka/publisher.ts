// What becomes of an activity, as records: one place that knows which topic, key, partition and headers each kind has.

import type {
  Activity,
  AttemptOutcome,
  Coordinates,
  DeadLetterRecord,
  OutcomeRecord,
  PoisonRecord,
  RecordedFailure,
} from '../../core/activity.ts'
import { crossing } from '../../core/crash-point.ts'
import type { ErrandError } from '../../core/errors.ts'
import { failureFingerprint } from '../../core/failure.ts'
import { PRODUCER_LIMITS } from '../../core/limits.ts'
import { nextAttempt, withFailure } from '../../core/settle.ts'
import { delayKey, laneTopic } from '../../core/topics.ts'
import type { TopicWriter, WriteAnswer, WriteRecord } from '../../producer/topic-writer.ts'
import { encodeActivity } from '../../wire/activity-record.ts'
import { encodeDeadLetter, encodePoison } from '../../wire/dead-letter-record.ts'
import { encodeDelay } from '../../wire/delay-record.ts'
import { activityHeaders } from '../../wire/headers.ts'
import { encodeOutcome } from '../../wire/outcome-record.ts'
import type { IndexEntry } from '../redis/schedule.ts'
import type { TopicCatalog } from './topic-catalog.ts'

/** How an attempt was settled, as Redis decided it. */
export interface Settlement {
  readonly activity: Activity
  readonly outcome: AttemptOutcome
  readonly leaseId: string | null
  readonly worker: string | null
  readonly startedAtMs: number | null
  readonly endedAtMs: number
  /** When retried: due time by Redis's clock. */
  readonly dueAtMs: number | null
  readonly error: RecordedFailure | null
  readonly resultJson: string | null
  readonly source: Coordinates | null
  /** Of the attempt's run, or of its dead letter; null when nobody traced it. */
  readonly traceparent: string | null
}

/** Builds and writes records. */
export class Publisher {
  readonly #namespace: string
  readonly #catalog: TopicCatalog
  readonly #writer: TopicWriter

  constructor(namespace: string, catalog: TopicCatalog, writer: TopicWriter) {
    this.#namespace = namespace
    this.#catalog = catalog
    this.#writer = writer
  }

  write(records: readonly WriteRecord[], deadlineMs?: number): Promise<readonly WriteAnswer[]> {
    return this.#writer.write(records, deadlineMs === undefined ? {} : { deadlineMs })
  }

  /** Writes records and throws the first error there is. */
  async writeAll(records: readonly WriteRecord[]): Promise<void> {
    for (const answer of await this.write(records)) if (!answer.ok) throw answer.error
  }

  /** Writes groups of records together; per group the first error there was: one that fails harms no other. */
  async writeEach(groups: readonly (readonly WriteRecord[])[]): Promise<(ErrandError | undefined)[]> {
    const written = await this.write(groups.flat())
    let from = 0
    return groups.map(({ length }) => {
      const failed = written.slice(from, from + length).find(answer => !answer.ok)
      from += length
      return failed === undefined || failed.ok ? undefined : failed.error
    })
  }

  /** A ready attempt. */
  lane(activity: Activity, envelope: string = encodeActivity(activity)): WriteRecord {
    const topic = laneTopic(this.#namespace, activity.type, activity.priority)
    return {
      topic,
      partition: this.#catalog.partitionFor(topic, activity.id),
      key: activity.id,
      value: envelope,
      headers: activityHeaders(activity),
    }
  }

  /** A scheduled attempt. Its partition is pinned by the id, so that its tombstone follows it. */
  delay(activity: Activity, dueAtMs: number): WriteRecord {
    const { delay } = this.#catalog.shared()
    return {
      topic: delay,
      partition: this.#catalog.partitionFor(delay, activity.id),
      key: delayKey(activity.id, activity.attempt),
      value: encodeDelay({ dueAtMs, activity }),
    }
  }

  /** A scheduled attempt as the due-time index keeps it. */
  indexEntry(activity: Activity, dueAtMs: number, envelope: string = encodeActivity(activity)): IndexEntry {
    const { delay } = this.#catalog.shared()
    return { record: { dueAtMs, activity }, partition: this.#catalog.partitionFor(delay, activity.id), envelope }
  }

  /** Takes a scheduled attempt out of the log. */
  tombstone(member: string, partition: number): WriteRecord {
    return { topic: this.#catalog.shared().delay, partition, key: member, value: null }
  }

  outcome(record: OutcomeRecord): WriteRecord {
    const { outcomes } = this.#catalog.shared()
    return {
      topic: outcomes,
      partition: this.#catalog.partitionFor(outcomes, record.id),
      key: record.id,
      value: encodeOutcome(record),
    }
  }

  deadLetter(record: DeadLetterRecord): WriteRecord {
    const { dlq } = this.#catalog.shared()
    return {
      topic: dlq,
      partition: this.#catalog.partitionFor(dlq, record.activity.id),
      key: record.activity.id,
      ...encodeDeadLetter(record),
    }
  }

  /**
   * Writes records that are none of ours to the DLQ, and throws the first error there is. One that the DLQ's topic does not
   * take for its size is clipped: were it refused for good, its partition would stand still behind it.
   */
  async writePoison(records: readonly PoisonRecord[]): Promise<void> {
    const answers = await crossing('poison.published', () => this.write(records.map(record => this.#poison(record))))
    const clipped: WriteRecord[] = []
    answers.forEach((answer, at) => {
      const record = records[at]
      if (answer.ok || record === undefined) return
      if (answer.error.code !== 'payload_too_large' || record.value === null) throw answer.error
      const bytesMax = PRODUCER_LIMITS.partitionBatchBytesMax
      const reason = `${record.reason}_clipped`
      clipped.push(this.#poison({ ...record, reason, value: record.value.subarray(0, bytesMax) }))
    })
    if (clipped.length > 0) await crossing('poison.published', () => this.writeAll(clipped))
  }

  #poison(record: PoisonRecord): WriteRecord {
    const { dlq } = this.#catalog.shared()
    const place = `${record.source.topic}/${record.source.partition}/${record.source.offset}`
    return { topic: dlq, partition: this.#catalog.partitionFor(dlq, place), key: place, ...encodePoison(record) }
  }

  /**
   * All that Kafka must remember of a settlement, in order: the outcome, then what follows from it. Deterministic in what
   * Redis decided, so that whoever publishes it again writes the same.
   */
  settlement(settlement: Settlement): WriteRecord[] {
    const records = [this.outcome(outcomeOf(settlement))]
    const { outcome, error } = settlement
    if (error === null) return records
    if (outcome === 'retrying' && isDueAtOnce(settlement)) {
      records.push(this.lane(nextOf(settlement, error, null)))
    } else if (outcome === 'retrying') {
      const dueAtMs = settlement.dueAtMs ?? settlement.endedAtMs
      records.push(this.delay(nextOf(settlement, error, dueAtMs), dueAtMs))
    } else if (outcome === 'lease_expired') {
      records.push(this.lane(nextOf(settlement, error, null)))
    } else if (outcome === 'dead_letter') {
      records.push(this.deadLetter(deadLetterOf(settlement, error)))
    }
    return records
  }
}

/** A retry without delay goes straight to its lane: the schedule would only hold it up. */
export function isDueAtOnce({ dueAtMs, endedAtMs }: Settlement): boolean {
  return dueAtMs === null || dueAtMs <= endedAtMs
}

/** The attempt that follows a settlement. */
export function nextOf(settlement: Settlement, error: RecordedFailure, dueAtMs: number | null): Activity {
  const { activity, endedAtMs, worker, traceparent } = settlement
  return nextAttempt(activity, { error, atMs: endedAtMs, worker, traceparent }, dueAtMs)
}

function outcomeOf(settlement: Settlement): OutcomeRecord {
  const { activity, outcome } = settlement
  return {
    id: activity.id,
    type: activity.type,
    priority: activity.priority,
    attempt: activity.attempt,
    outcome,
    leaseId: settlement.leaseId,
    worker: settlement.worker,
    // Not counted up when the failure exhausted the attempts, nor when it ended them for good.
    retryCount: outcome === 'retrying' || outcome === 'lease_expired' ? activity.retryCount + 1 : activity.retryCount,
    maxAttempts: activity.maxAttempts,
    createdAtMs: activity.createdAtMs,
    scheduledAtMs: activity.scheduledAtMs,
    startedAtMs: settlement.startedAtMs,
    endedAtMs: settlement.endedAtMs,
    nextAttemptAtMs: outcome === 'lease_expired' ? settlement.endedAtMs : settlement.dueAtMs,
    error: settlement.error,
    resultJson: settlement.resultJson,
    envelope: outcome === 'failed' || outcome === 'cancelled' ? encodeActivity(endedOf(settlement)) : null,
    key: activity.key,
    redriveOf: activity.redriveOf,
  }
}

/** The activity as a redrive finds it, with the way back to its last attempt. */
function endedOf({ activity, traceparent }: Settlement): Activity {
  return traceparent === null ? activity : { ...activity, attemptTraceparent: traceparent }
}

function deadLetterOf(settlement: Settlement, error: RecordedFailure): DeadLetterRecord {
  const { activity } = settlement
  const failures = withFailure(activity, { error, atMs: settlement.endedAtMs, worker: settlement.worker })
  return {
    activity: { ...activity, failures },
    attempts: activity.attempt,
    error,
    firstFailedAtMs: failures[0]?.atMs ?? settlement.endedAtMs,
    failedAtMs: settlement.endedAtMs,
    worker: settlement.worker,
    fingerprint: failureFingerprint(error),
    source: settlement.source,
    traceparent: settlement.traceparent,
  }
}
