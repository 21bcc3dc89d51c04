// Those who wait until a partition has been handed over up to some offset. Told by whoever moves positions; nothing polls.

import type { Clock } from '../core/clock.ts'
import type { TopicPartition } from './topic-partition.ts'

/** "Everything below `offset` was handed over." */
export interface PositionTarget extends TopicPartition {
  readonly offset: number
}

interface Waiter {
  readonly targets: readonly PositionTarget[]
  readonly end: (isReached: boolean) => void
}

/** Waits for positions. */
export class PositionWaiters {
  readonly #clock: Clock
  readonly #positionOf: (partition: TopicPartition) => number | undefined
  readonly #waiters = new Set<Waiter>()

  /** `positionOf`: undefined for a partition that is not here; nobody waits for those. */
  constructor(clock: Clock, positionOf: (partition: TopicPartition) => number | undefined) {
    this.#clock = clock
    this.#positionOf = positionOf
  }

  /** True once every target that is here is reached; false after `timeoutMs`. */
  wait(targets: readonly PositionTarget[], timeoutMs: number): Promise<boolean> {
    if (this.#isReached(targets)) return Promise.resolve(true)
    return new Promise(resolve => {
      const waiter: Waiter = {
        targets,
        end: isReached => {
          cancel()
          this.#waiters.delete(waiter)
          resolve(isReached)
        },
      }
      const cancel = this.#clock.after(timeoutMs, () => waiter.end(false))
      this.#waiters.add(waiter)
    })
  }

  /** Positions or the assignment have moved. */
  check(): void {
    if (this.#waiters.size === 0) return
    for (const waiter of [...this.#waiters]) if (this.#isReached(waiter.targets)) waiter.end(true)
  }

  /** Ends every wait with false. */
  endAll(): void {
    for (const waiter of [...this.#waiters]) waiter.end(false)
  }

  #isReached(targets: readonly PositionTarget[]): boolean {
    return targets.every(target => {
      const position = this.#positionOf(target)
      return position === undefined || position >= target.offset
    })
  }
}
