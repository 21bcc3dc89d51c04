// Hosts the storage contract in vitest. An area's cases share one namespace and its storages, each case with fresh types:
// joining a group per type is cheap, a namespace per case is not. Cases that count everything get their own.

import { randomBytes } from 'node:crypto'
import { afterAll, describe, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { uuidv7Source } from '../../src/core/ids.ts'
import { newActivity } from '../../src/core/new-activity.ts'
import type { Storage } from '../../src/storage/storage.ts'
import type { ContractCase, ContractSetup } from '../../src/testing/storage-contract.ts'
import { storageContractAreas } from '../../src/testing/storage-contract.ts'
import { freshNamespace } from './stack.ts'

/** A kind of storage under test. */
export interface StorageKind {
  /** As cases name it that skip it. */
  readonly name: string
  /** The first storage of a namespace, and others that work on the same one. */
  open(namespace: string): Promise<{ readonly first: Storage; openOther(): Promise<Storage> }>
  /** Takes away what a namespace leaves behind, once its storages are closed. */
  drop?(namespace: string): Promise<void>
}

const ids = uuidv7Source({
  nowMs: () => systemClock.nowMs(),
  randomBytes: into => into.set(randomBytes(into.length)) ?? into,
})

/** The storages of one namespace, opened when first asked for. */
class Fleet {
  readonly #kind: StorageKind
  readonly #namespace = freshNamespace('contract')
  #opening: ReturnType<StorageKind['open']> | undefined
  #other: Promise<Storage> | undefined

  constructor(kind: StorageKind) {
    this.#kind = kind
  }

  async first(): Promise<Storage> {
    this.#opening ??= this.#kind.open(this.#namespace)
    return (await this.#opening).first
  }

  async second(): Promise<Storage> {
    await this.first()
    this.#other ??= this.#opening?.then(opened => opened.openOther())
    return (await this.#other) ?? this.first()
  }

  async close(): Promise<void> {
    await (await this.#other)?.close()
    if (this.#opening === undefined) return
    await (await this.#opening).first.close()
    await this.#kind.drop?.(this.#namespace)
  }
}

let typesMade = 0

async function setUp(fleet: Fleet, { types: endings = [''] }: ContractCase): Promise<ContractSetup> {
  typesMade += 1
  const types = endings.map(ending => `t${typesMade}${ending}`)
  const storage = await fleet.first()
  await storage.subscribe({ types })
  return {
    storage,
    clock: systemClock,
    types,
    async open() {
      const other = await fleet.second()
      await other.subscribe({ types })
      return other
    },
    newActivity({ createdAtMs, ...spec } = {}) {
      const context = { ids, nowMs: createdAtMs ?? systemClock.nowMs() }
      return newActivity({ payload: null, ...spec, type: spec.type ?? types[0] ?? '' }, context)
    },
  }
}

async function runAlone(kind: StorageKind, one: ContractCase): Promise<void> {
  const fleet = new Fleet(kind)
  try {
    await one.run(await setUp(fleet, one))
  } finally {
    await fleet.close()
  }
}

/** Defines the tests of the contract, or of the named areas of it, for a kind of storage. */
export function hostContract(kind: StorageKind, areas: readonly string[] = Object.keys(storageContractAreas)): void {
  for (const area of areas) {
    describe(`${kind.name}: ${area}`, () => {
      const fleet = new Fleet(kind)
      afterAll(() => fleet.close())
      for (const one of storageContractAreas[area] ?? []) {
        const { name, rule, skip, isAlone } = one
        const title = `${name} (rule ${rule})`
        if (skip?.on === kind.name) test.skip(`${title}: ${skip.reason}`)
        else test(title, async () => (isAlone === true ? runAlone(kind, one) : one.run(await setUp(fleet, one))))
      }
    })
  }
}
