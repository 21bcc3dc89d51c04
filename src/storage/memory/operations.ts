// How far operations have come, in memory: shared by all handles of one storage, the least recently saved first.

import { OPERATION_LIMITS, LIMITS } from '../../core/limits.ts'
import { checkId } from '../../core/names.ts'
import { checkInteger, checkText } from '../../core/text.ts'
import type { OperationStorage, StoredOperation } from '../storage.ts'

/** Progress by operation, in the order in which it was saved. */
export type KeptOperations = Map<string, { readonly progressJson: string; readonly untilMs: number }>

/** What {@link MemoryOperations} needs. */
export interface MemoryOperationsParts {
  /** Throws when the handle was closed. */
  readonly checkOpen: () => void
  readonly nowMs: () => number
  readonly kept: () => KeptOperations
}

/** {@link OperationStorage} of one handle. */
export class MemoryOperations implements OperationStorage {
  readonly #parts: MemoryOperationsParts

  constructor(parts: MemoryOperationsParts) {
    this.#parts = parts
  }

  async save({
    id,
    progressJson,
    ifAbsent = false,
  }: Readonly<{ id: string; progressJson: string; ifAbsent?: boolean }>): Promise<boolean> {
    const kept = this.#kept()
    checkId(id)
    checkText('progressJson', progressJson, OPERATION_LIMITS.progressBytesMax)
    if (ifAbsent && kept.has(id)) return false
    kept.delete(id) // so that it stands last
    kept.set(id, { progressJson, untilMs: this.#parts.nowMs() + OPERATION_LIMITS.keptMs })
    for (const oldest of kept.keys()) {
      if (kept.size <= OPERATION_LIMITS.keptMax) break
      kept.delete(oldest)
    }
    return true
  }

  async get({ id }: Readonly<{ id: string }>): Promise<string | null> {
    return this.#kept().get(checkId(id))?.progressJson ?? null
  }

  async list({ limit }: Readonly<{ limit: number }>): Promise<readonly StoredOperation[]> {
    checkInteger('limit', limit, 1, LIMITS.pageItemsMax)
    return [...this.#kept()]
      .slice(-limit)
      .reverse()
      .map(([id, { progressJson }]) => ({ id, progressJson }))
  }

  /** Without what is over its time. */
  #kept(): KeptOperations {
    const { checkOpen, nowMs, kept } = this.#parts
    checkOpen()
    const now = nowMs()
    for (const [id, { untilMs }] of kept()) if (untilMs <= now) kept().delete(id)
    return kept()
  }
}
