// Commits frontiers, with what is finished ahead of them: at most once per interval, one request at a time.
//
// Only partitions assigned now are committed, and what is sent is read in the same step in which it is sent, so nothing
// of an earlier epoch can slip in. kafkajs may still repeat a failed commit after a join: a late frontier is a true one,
// so it can move a commit back, never past unfinished work.

import type { Clock } from '../core/clock.ts'
import type { Logger } from '../core/logger.ts'
import { fromUnknown } from '../core/errors.ts'
import type { AssignedPartition } from './assigned-partition.ts'
import type { TopicPartition } from './topic-partition.ts'
import { METADATA_RUNS_MAX, encodeFinishedAhead } from './commit-metadata.ts'

/** What is committed for one partition. */
export interface Commit extends TopicPartition {
  readonly offset: number
  readonly metadata: string
}

export interface CommitterOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly intervalMs: number
  /** The partitions assigned now. */
  readonly partitions: () => Iterable<AssignedPartition>
  /** Must begin sending before it returns, and rejects rather than throws. */
  readonly send: (commits: readonly Commit[]) => Promise<void>
}

interface Taken extends Commit {
  readonly of: AssignedPartition
}

/** Sends commits for what was finished. */
export class Committer {
  /** Commits that the broker took. */
  commits = 0
  readonly #options: CommitterOptions
  #cancelTimer: (() => void) | undefined
  #underWay: Promise<void> | undefined
  #isStopped = false
  #failuresInRow = 0

  constructor(options: CommitterOptions) {
    this.#options = options
  }

  /** Something was finished: it is committed within the interval. */
  schedule(): void {
    if (this.#cancelTimer !== undefined || this.#isStopped) return
    this.#cancelTimer = this.#options.clock.after(this.#options.intervalMs, () => {
      this.#cancelTimer = undefined
      if (this.#underWay !== undefined) return this.schedule()
      this.#send().catch((error: unknown) => this.#afterFailure(error))
    })
  }

  /** Commits what is finished by now. Rejects when the broker does not take it; it is tried again anyway. */
  async flush(): Promise<void> {
    while (this.#underWay !== undefined) await this.#underWay.catch(() => undefined) // whoever sent it has the error
    try {
      await this.#send()
    } catch (error) {
      this.schedule()
      throw error
    }
  }

  /** No commit is begun any more but by {@link flush}. */
  stop(): void {
    this.#isStopped = true
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
  }

  #send(): Promise<void> {
    const taken = this.#take()
    if (taken.length === 0) return this.#underWay ?? Promise.resolve()
    const sending = this.#options
      .send(taken.map(({ topic, partition, offset, metadata }) => ({ topic, partition, offset, metadata })))
      .then(
        () => {
          this.commits += 1
          this.#failuresInRow = 0
          for (const { of, offset, metadata } of taken) of.lastCommit = { offset, metadata }
        },
        (error: unknown) => {
          for (const { of } of taken) of.isDirty = true
          throw error
        },
      )
      .finally(() => {
        this.#underWay = undefined
      })
    this.#underWay = sending
    return sending
  }

  #take(): Taken[] {
    const taken: Taken[] = []
    for (const of of this.#options.partitions()) {
      if (!of.isDirty || !of.isOpen) continue
      of.isDirty = false
      const offset = of.ledger.frontier
      const metadata = encodeFinishedAhead(offset, of.ledger.finishedAhead(METADATA_RUNS_MAX))
      if (of.lastCommit?.offset === offset && of.lastCommit.metadata === metadata) continue
      taken.push({ topic: of.topic, partition: of.partition, offset, metadata, of })
    }
    return taken
  }

  #afterFailure(error: unknown): void {
    const { message } = fromUnknown(error, 'unavailable')
    const { logger } = this.#options
    this.#failuresInRow += 1
    const level = this.#failuresInRow === 1 ? 'warn' : 'debug' // an outage is said once
    logger[level]('offsets were not committed; they are committed again later', { reason: message })
    this.schedule()
  }
}
