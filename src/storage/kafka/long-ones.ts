// Which attempts are long: pure, but for what it remembers of when it saw each first.

import { LIMITS, REHOMING_LIMITS } from '../../core/limits.ts'
import type { LaneEntry } from './lane-buffers.ts'

/** What there is to choose from. */
export interface LongOnesParams {
  /** Attempts that run here. */
  readonly running: Iterable<LaneEntry>
  /** Records whose attempts somebody else runs, so far as is known here. May name what runs here as well. */
  readonly held: Iterable<LaneEntry>
  readonly isHomed: (entry: LaneEntry) => boolean
  /** Places of frontiers that are not waited for, as {@link placeOf} gives them. Asked only when it matters. */
  readonly pressed: () => ReadonlySet<string>
  /** Monotonic. */
  readonly nowMs: number
}

/** Remembers since when attempts are there, and names the long ones. What is not there any more is forgotten at the next look. */
export class LongOnes {
  readonly #rehomeAfterMs: number
  #seen = new Map<LaneEntry, { readonly sinceMs: number; readonly notBeforeMs: number }>()

  constructor(rehomeAfterMs: number) {
    this.#rehomeAfterMs = rehomeAfterMs
  }

  /** The long ones without a home whose lane records are this process's to finish, at most as many as a script takes. */
  choose({ running, held, isHomed, pressed, nowMs }: LongOnesParams): LaneEntry[] {
    const before = this.#seen
    this.#seen = new Map()
    const chosen: LaneEntry[] = []
    let places: ReadonlySet<string> | undefined
    const look = (entry: LaneEntry, longMs: number): void => {
      if (this.#seen.has(entry) || isHomed(entry) || !entry.record.epoch.isOpen) return
      const seen = before.get(entry) ?? { sinceMs: nowMs, notBeforeMs: nowMs }
      this.#seen.set(entry, seen)
      if (nowMs < seen.notBeforeMs || chosen.length === LIMITS.scriptBatchMax) return
      const ageMs = nowMs - seen.sinceMs
      const isLong = ageMs >= longMs || (ageMs >= REHOMING_LIMITS.pressedMsMin && isPressed(entry))
      if (isLong) chosen.push(entry)
    }
    const isPressed = ({ record }: LaneEntry): boolean => (places ??= pressed()).has(placeOf(record))
    for (const entry of running) look(entry, this.#rehomeAfterMs)
    for (const entry of held) look(entry, Math.min(this.#rehomeAfterMs, REHOMING_LIMITS.heldMsMax))
    return chosen
  }

  /** These could not be given homes now. */
  postpone(entries: readonly LaneEntry[], nowMs: number): void {
    for (const entry of entries) {
      const seen = this.#seen.get(entry)
      if (seen !== undefined) this.#seen.set(entry, { ...seen, notBeforeMs: nowMs + REHOMING_LIMITS.retryMs })
    }
  }
}

/** A place in a log, as text. */
export function placeOf(place: {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}): string {
  return `${place.topic}/${place.partition}@${place.offset}`
}
