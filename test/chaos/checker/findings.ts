// What a check has found: promises broken, and what looks broken but has an excuse, each excuse counted by its name.

import type { Violation } from '../evidence.ts'
import { IDS_SHOWN, VIOLATIONS_SHOWN } from './bounds.ts'

/** Collects violations and excuses. */
export class Findings {
  readonly #violations = new Map<string, Violation[]>()
  readonly #untold = new Map<string, number>()
  readonly #excused = new Map<string, number>()

  /** A promise is broken. Beyond {@link VIOLATIONS_SHOWN} of an invariant only the number is kept. */
  violate(invariant: string, message: string, ids: readonly string[]): void {
    const known = this.#violations.get(invariant) ?? []
    this.#violations.set(invariant, known)
    if (known.length < VIOLATIONS_SHOWN) known.push({ invariant, message, ids: ids.slice(0, IDS_SHOWN) })
    else this.#untold.set(invariant, (this.#untold.get(invariant) ?? 0) + 1)
  }

  /** Something that would break a promise had a reason that the promise allows. */
  excuse(invariant: string, why: string): void {
    const name = `${invariant}: ${why}`
    this.#excused.set(name, (this.#excused.get(name) ?? 0) + 1)
  }

  /** A violation, or its excuse when there is one. */
  judge(invariant: string, why: string | null, message: string, ids: readonly string[]): void {
    if (why === null) this.violate(invariant, message, ids)
    else this.excuse(invariant, why)
  }

  /** All violations, by invariant. */
  violations(): Violation[] {
    const byNumber = [...this.#violations].sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }))
    return byNumber.flatMap(([invariant, violations]) => {
      const untold = this.#untold.get(invariant) ?? 0
      if (untold === 0) return violations
      return [...violations, { invariant, message: `and ${untold} more of ${invariant}`, ids: [] }]
    })
  }

  /** How often each excuse was taken. */
  excused(): Record<string, number> {
    return Object.fromEntries([...this.#excused].sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true })))
  }
}
