// Who did what, when, on what, why, and what came of it: a log line each, and the latest in memory. The records that an act writes
// (a cancelled outcome, an operation) say it for good; this says it here and now, and of refusals too.
//
// What strangers are refused is kept apart: anybody can be refused as often as he likes, and must not push out what was done.

import type { Clock } from '../core/clock.ts'
import { CONSOLE_LIMITS } from '../core/limits.ts'
import type { Logger } from '../core/logger.ts'
import { clipUtf8 } from '../core/text.ts'

/** What can be done. */
export const ACTS = [
  'sign-in',
  'sign-out',
  'enqueue',
  'cancel',
  'redrive',
  'edit-and-redrive',
  'discard',
  'start-operation',
  'cancel-operation',
] as const
/** One of {@link ACTS}. */
export type Act = (typeof ACTS)[number]

/** One thing that was done, or was not. */
export interface AuditEntry {
  /** Counts up within this process. */
  readonly id: number
  readonly atMs: number
  /** Who, as far as is known. */
  readonly who: string
  readonly act: Act
  /** On what: an id, a type, a filter in words. */
  readonly subject: string
  readonly reason: string | null
  readonly requestId: string | null
  /** `refused`: not allowed, or not acceptable. `failed`: it was tried. */
  readonly outcome: 'done' | 'refused' | 'failed'
  /** The error's code, or what came of it: such as the id of what was made. */
  readonly says: string | null
}

/** Keeps and tells what is done. */
export class AuditTrail {
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #listener: ((entry: AuditEntry) => void) | null
  readonly #entries: AuditEntry[] = []
  readonly #ofStrangers: AuditEntry[] = []
  #count = 0
  #strangerLogAtMs = Number.NEGATIVE_INFINITY
  #untold = 0

  constructor(parts: {
    readonly clock: Clock
    readonly logger: Logger
    readonly listener: ((entry: AuditEntry) => void) | null
  }) {
    this.#clock = parts.clock
    this.#logger = parts.logger
    this.#listener = parts.listener
  }

  /** The latest, newest first: of those who are known, and a few of what strangers were refused. */
  latest(): readonly AuditEntry[] {
    return [...this.#entries, ...this.#ofStrangers].toSorted((a, b) => b.id - a.id)
  }

  /** Notes one. Never throws. */
  note(facts: Omit<AuditEntry, 'id' | 'atMs'>): void {
    const entry = this.#kept(this.#entries, CONSOLE_LIMITS.auditEntriesMax, facts)
    this.#logger[entry.outcome === 'done' ? 'info' : 'warn'](`audit: ${entry.act} ${entry.outcome}`, { audit: entry })
    this.#tell(entry)
  }

  /**
   * Notes what nobody that we know, or another site's page, was refused. The log and the listener hear of the first in a minute,
   * and the log of how many went before it unsaid. Never throws.
   */
  noteStranger(facts: Omit<AuditEntry, 'id' | 'atMs'>): void {
    const entry = this.#kept(this.#ofStrangers, CONSOLE_LIMITS.strangerEntriesMax, facts)
    const nowMs = this.#clock.monotonicMs()
    if (nowMs - this.#strangerLogAtMs < CONSOLE_LIMITS.strangerLogMs) {
      this.#untold += 1
      return
    }
    const untold = this.#untold
    this.#strangerLogAtMs = nowMs
    this.#untold = 0
    this.#logger.warn(`audit: ${entry.act} ${entry.outcome} to a stranger`, { audit: entry, untoldBefore: untold })
    this.#tell(entry)
  }

  #kept(ring: AuditEntry[], max: number, facts: Omit<AuditEntry, 'id' | 'atMs'>): AuditEntry {
    this.#count += 1
    const subject = clipUtf8(facts.subject, 1_024)
    const entry: AuditEntry = { id: this.#count, atMs: this.#clock.nowMs(), ...facts, subject }
    ring.push(entry)
    if (ring.length > max) ring.shift()
    return entry
  }

  #tell(entry: AuditEntry): void {
    try {
      this.#listener?.(entry)
    } catch (error) {
      this.#logger.error('the audit listener threw', { error: String(error) })
    }
  }
}
