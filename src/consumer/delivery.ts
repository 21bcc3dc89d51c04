// From batches to records in the hands of whoever works on them, in order, one partition like the other; and the pauses
// that keep what is unfinished within bounds.

import type { Clock } from '../core/clock.ts'
import { fromUnknown } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { AssignedPartition } from './assigned-partition.ts'
import type { FetchedRecord } from './fetched-record.ts'
import { toFetchedRecord } from './fetched-record.ts'
import type { SessionBatch } from './group-session.ts'
import type { TopicPartition } from './topic-partition.ts'
import type { Watermarks } from './watermark.ts'
import { shouldPause } from './watermark.ts'

/** What delivery does to the consumer that fetches. */
export interface IntakeValve {
  pause(partitions: Iterable<TopicPartition>): void
  resume(partitions: Iterable<TopicPartition>): void
  pauseAll(): void
  resumeAll(): void
}

export interface DeliveryOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly marks: Watermarks
  readonly onRecords: (records: readonly FetchedRecord[]) => void
  /** Positions have moved. */
  readonly onMoved: () => void
}

/** Before records whose handing over failed are tried again: at first, and at most. */
const RETRY_MS_MIN = 50
const RETRY_MS_MAX = 2_000

/** Hands records over and decides pauses. */
export class Delivery {
  readonly #options: DeliveryOptions
  readonly #retryMs = new WeakMap<AssignedPartition, number>()
  #isOpen = true

  constructor(options: DeliveryOptions) {
    this.#options = options
  }

  /** False between {@link closeIntake} and {@link openIntake}. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Takes an accepted batch and hands over what can be. */
  accept(partition: AssignedPartition, batch: SessionBatch, valve: IntakeValve): void {
    const from = partition.ledger.position
    const records: FetchedRecord[] = []
    for (const message of batch.messages) {
      const offset = Number(message.offset)
      if (offset >= from) records.push(toFetchedRecord(batch.topic, batch.partition, offset, message, partition))
    }
    partition.take(records, batch.nextOffset)
    this.handOver(partition, valve)
  }

  /** Hands over what waits, unless the partition or the intake holds it back. */
  handOver(partition: AssignedPartition, valve: IntakeValve): void {
    const records = this.#isOpen ? partition.takeWaiting() : []
    if (records.length > 0) this.#tryHandOver(partition, records, valve)
    this.regulate(partition, valve)
    this.#options.onMoved()
  }

  /** Pauses or resumes a partition by what it holds. */
  regulate(partition: AssignedPartition, valve: IntakeValve): void {
    if (!this.#isOpen || !partition.isOpen) return
    const shouldBePaused = this.#shouldBePaused(partition)
    if (shouldBePaused === partition.isPaused) return
    partition.isPaused = shouldBePaused
    if (shouldBePaused) valve.pause([partition])
    else valve.resume([partition])
  }

  /** Derives every pause anew: after a join kafkajs's own flags mean nothing. */
  regulateAll(partitions: Iterable<AssignedPartition>, valve: IntakeValve): void {
    if (!this.#isOpen) return valve.pauseAll()
    valve.resumeAll()
    const paused: AssignedPartition[] = []
    for (const partition of partitions) {
      partition.isPaused = this.#shouldBePaused(partition)
      if (partition.isPaused) paused.push(partition)
    }
    valve.pause(paused)
  }

  closeIntake(valve: IntakeValve | undefined): void {
    this.#isOpen = false
    valve?.pauseAll()
  }

  openIntake(partitions: readonly AssignedPartition[], valve: IntakeValve | undefined): void {
    this.#isOpen = true
    if (valve === undefined) return
    this.regulateAll(partitions, valve)
    for (const partition of partitions) this.handOver(partition, valve)
  }

  #shouldBePaused(partition: AssignedPartition): boolean {
    return partition.isBlocked || shouldPause(partition, partition.isPaused, this.#options.marks)
  }

  #tryHandOver(partition: AssignedPartition, records: readonly FetchedRecord[], valve: IntakeValve): void {
    const { clock, logger, onRecords } = this.#options
    try {
      onRecords(records)
      this.#retryMs.delete(partition)
    } catch (error) {
      partition.giveBack(records)
      const pauseMs = Math.min(RETRY_MS_MAX, (this.#retryMs.get(partition) ?? RETRY_MS_MIN / 2) * 2)
      this.#retryMs.set(partition, pauseMs)
      const { topic, partition: number } = partition
      const reason = fromUnknown(error, 'internal').message
      logger.error('records could not be handed over; they come again', { topic, partition: number, pauseMs, reason })
      clock.after(pauseMs, () => {
        partition.retry()
        if (partition.isOpen) this.handOver(partition, valve)
      })
    }
  }
}
