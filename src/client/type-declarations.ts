// Which types a storage was told about: once each, however many enqueue at once. A failure is not remembered.

import type { Storage } from '../storage/storage.ts'

/** Declares types on first use. */
export class TypeDeclarations {
  readonly #storage: Storage
  readonly #known = new Set<string>()
  readonly #underWay = new Map<string, Promise<void>>()

  constructor(storage: Storage) {
    this.#storage = storage
  }

  /** Undefined when the type is known already. Rejects with what the storage says. */
  ensure(type: string): Promise<void> | undefined {
    if (this.#known.has(type)) return undefined
    const already = this.#underWay.get(type)
    if (already !== undefined) return already
    const declaring = this.#declare(type).finally(() => this.#underWay.delete(type))
    this.#underWay.set(type, declaring)
    return declaring
  }

  async #declare(type: string): Promise<void> {
    await this.#storage.declareTypes({ types: [type] })
    this.#known.add(type)
  }
}
