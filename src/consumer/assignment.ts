// What this member has, and what becomes of it at a join.
//
// Same member id: a partition that stays keeps its epoch, ledger and position; nothing is delivered twice. Another member
// id: the member had been expelled and others may have owned everything meanwhile, so every epoch ends. A partition that
// comes (back) gets a new epoch; what was known of its frontier is remembered, since what is below it stays finished.

import { AssignedPartition } from './assigned-partition.ts'
import type { Epoch } from './fetched-record.ts'
import type { TopicPartition } from './topic-partition.ts'
import { partitionKey } from './topic-partition.ts'

/** Partitions by topic, as a join brings them. */
export type AssignedTopics = Readonly<Record<string, readonly number[]>>

/** What a join changed. A partition whose epoch ended and that was assigned again is both closed and opened. */
export interface JoinChange {
  readonly kept: readonly AssignedPartition[]
  readonly opened: readonly AssignedPartition[]
  readonly closed: readonly AssignedPartition[]
}

/** The partitions assigned now. */
export class Assignment {
  #memberId: string | undefined
  #partitions = new Map<string, AssignedPartition>()
  #byEpoch = new Map<Epoch, AssignedPartition>()
  /** Where everything below was finished when a partition was lost. Bounded by the partitions that exist. */
  readonly #formerFrontiers = new Map<string, number>()

  get(topic: string, partition: number): AssignedPartition | undefined {
    return this.#partitions.get(partitionKey({ topic, partition }))
  }

  /** Every assigned partition. */
  [Symbol.iterator](): IterableIterator<AssignedPartition> {
    return this.#partitions.values()
  }

  /** The partition of an epoch; undefined once the epoch has ended. */
  ofEpoch(epoch: Epoch): AssignedPartition | undefined {
    return this.#byEpoch.get(epoch)
  }

  /** Partitions by topic, for the next join. */
  owned(): Record<string, number[]> {
    const owned: Record<string, number[]> = {}
    for (const { topic, partition } of this) (owned[topic] ??= []).push(partition)
    return owned
  }

  /** Takes a new assignment over. */
  join(memberId: string, assigned: AssignedTopics): JoinChange {
    const isSameMember = memberId === this.#memberId
    this.#memberId = memberId
    const wanted = Object.entries(assigned).flatMap(([topic, list]) => list.map(partition => ({ topic, partition })))
    const wantedKeys = new Set(wanted.map(partitionKey))
    const closed = [...this].filter(partition => !isSameMember || !wantedKeys.has(partitionKey(partition)))
    for (const partition of closed) this.#close(partition)
    const kept = [...this]
    const opened = wanted.filter(each => !this.#partitions.has(partitionKey(each))).map(each => this.#open(each))
    return { kept, opened, closed }
  }

  /** Ends a partition's epoch and begins another at `start`: the log itself has moved. */
  replace(partition: AssignedPartition, start: number): AssignedPartition {
    this.#close(partition)
    this.#formerFrontiers.set(partitionKey(partition), start)
    const fresh = this.#open(partition)
    fresh.learn(undefined)
    return fresh
  }

  /** Ends every epoch. */
  closeAll(): void {
    for (const partition of [...this]) this.#close(partition)
  }

  #open(each: TopicPartition): AssignedPartition {
    const key = partitionKey(each)
    const partition = new AssignedPartition(each.topic, each.partition, this.#formerFrontiers.get(key))
    this.#partitions.set(key, partition)
    this.#byEpoch.set(partition, partition)
    return partition
  }

  #close(partition: AssignedPartition): void {
    const frontier = partition.knownFrontier
    const key = partitionKey(partition)
    if (frontier !== undefined) this.#formerFrontiers.set(key, frontier)
    partition.close()
    this.#partitions.delete(key)
    this.#byEpoch.delete(partition)
  }
}
