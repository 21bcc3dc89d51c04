// Stretches of time in which faults were at work: what may be explained by them, and what may not.

import type { Evidence, FaultLine } from '../evidence.ts'
import { CLOCK_TOLERANCE_MS, FAULT_LINGER_MS } from './bounds.ts'

/** A stretch of the monotonic clock. */
export interface Span {
  readonly fromMono: number
  readonly toMono: number
}

/** Spans that can be asked for an overlap in O(log n). */
class Windows {
  /** Disjoint and in order. */
  readonly #spans: Span[] = []

  constructor(spans: readonly Span[]) {
    for (const { fromMono, toMono } of [...spans].sort((a, b) => a.fromMono - b.fromMono)) {
      const last = this.#spans.at(-1)
      if (last === undefined || last.toMono < fromMono) this.#spans.push({ fromMono, toMono })
      else this.#spans[this.#spans.length - 1] = { fromMono: last.fromMono, toMono: Math.max(last.toMono, toMono) }
    }
  }

  /** True when any of the spans has a moment in common with this one. */
  overlaps(fromMono: number, toMono: number): boolean {
    let low = 0
    let high = this.#spans.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#spans[middle]?.toMono ?? 0) < fromMono) low = middle + 1
      else high = middle
    }
    const span = this.#spans[low]
    return span !== undefined && span.fromMono <= toMono
  }
}

/** The faults of a run, as the checks ask for them. */
export class FaultWindows {
  /** Faults that are known to have happened. */
  readonly proven: readonly FaultLine[]
  /** The wall clock of a reaper was moved: when it ended attempts, by its own clock, is not to be trusted. */
  readonly hasReaperClock: boolean
  /** The same of producers, who say when activities were created. */
  readonly hasProducerClock: boolean
  readonly #all: Windows
  readonly #losses: Windows

  constructor({ run, faults }: Pick<Evidence, 'run' | 'faults'>) {
    this.proven = faults.filter(({ proof }) => proof !== null)
    this.hasReaperClock = faults.some(({ fault }) => fault === 'reaper.clock')
    this.hasProducerClock = faults.some(({ fault }) => fault === 'producer.clock')
    this.#all = new Windows(faults)
    this.#losses = new Windows([...run.redisLosses, ...this.proven.filter(({ losesRedis }) => losesRedis)])
  }

  /** Some fault was at work, proven or not. */
  anyDuring(fromMono: number, toMono: number): boolean {
    return this.#all.overlaps(fromMono, toMono)
  }

  /** Redis may have forgotten something in between. */
  lossDuring(fromMono: number, toMono: number): boolean {
    return this.#losses.overlaps(fromMono - CLOCK_TOLERANCE_MS, toMono + CLOCK_TOLERANCE_MS)
  }

  /** Names of the proven faults that were at work, or may still be felt. */
  feltDuring(fromMono: number, toMono: number): string[] {
    const felt = this.proven.filter(fault => fault.fromMono <= toMono && fault.toMono + FAULT_LINGER_MS >= fromMono)
    return [...new Set(felt.map(({ fault }) => fault))].sort()
  }

  /** This process was told to stop in between, so that it gave back what it held. */
  shutdownDuring(proc: string, fromMono: number, toMono: number): boolean {
    return this.proven.some(
      fault => isShutdown(fault, proc) && fault.fromMono <= toMono && fault.toMono + FAULT_LINGER_MS >= fromMono,
    )
  }
}

/** A storm of rebalances starts and stops workers of its own, which it does not name one by one. */
function isShutdown({ fault, target }: FaultLine, proc: string): boolean {
  return fault === 'rebalance.storm' || (fault === 'worker.term' && namesOf(target).includes(proc))
}

/** The processes that a fault's target names. */
export function namesOf(target: string): string[] {
  return target.split(/[\s,]+/)
}
