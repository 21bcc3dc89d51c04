// Idempotency keys: what each stands for. Scoped by type, as a pair and never as a pasted text.

import type { KeyState } from '../../core/idempotency.ts'
import { keyStateOf } from '../../core/idempotency.ts'
import { isTerminal } from '../../core/activity.ts'
import type { Entry } from './entry.ts'

interface Held {
  readonly entry: Entry
  readonly untilMs: number
}

/** The keys in use. A key lives so long after it was taken, and while its activity has not ended. */
export class Keys {
  readonly #byType = new Map<string, Map<string, Held>>()
  readonly #ttlMs: number

  constructor(ttlMs: number) {
    this.#ttlMs = ttlMs
  }

  /** The entry that a key stands for. */
  find(type: string, key: string, nowMs: number): Entry | undefined {
    const held = this.#byType.get(type)?.get(key)
    if (held === undefined) return undefined
    if (held.untilMs > nowMs || !isTerminal(held.entry.status)) return held.entry
    this.#byType.get(type)?.delete(key)
    return undefined
  }

  state(type: string, key: string, nowMs: number): KeyState {
    const entry = this.find(type, key, nowMs)
    return entry === undefined ? 'none' : keyStateOf(entry.status)
  }

  /** The key stands for this entry from now on. */
  set(type: string, key: string, entry: Entry, nowMs: number): void {
    let keys = this.#byType.get(type)
    if (keys === undefined) {
      keys = new Map()
      this.#byType.set(type, keys)
    }
    keys.set(key, { entry, untilMs: nowMs + this.#ttlMs })
  }

  /** Lets go of an entry's key, unless it has moved to another entry. */
  forget(entry: Entry): void {
    const { type, key } = entry.activity
    if (key === null) return
    const keys = this.#byType.get(type)
    if (keys?.get(key.key)?.entry === entry) keys.delete(key.key)
  }
}
