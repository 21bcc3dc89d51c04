// What every command is made of: it asks the storage and the model, compares what they say, then how everything stands.

import fc from 'fast-check'
import type { Storage } from '../../src/storage/storage.ts'
import type { Modelled } from './modelled.ts'
import type { StorageModel } from './storage-model.ts'
import type { System } from './storage-system.ts'
import { compare } from './storage-system.ts'

/** Which times a run uses: short ones where the clock is moved by hand, long ones where it runs. */
export interface Pace {
  readonly leasesMs: readonly number[]
  readonly delaysMs: readonly number[]
  readonly retryDelaysMs: readonly number[]
  /** Empty: the clock cannot be moved. */
  readonly advancesMs: readonly number[]
}

/** A command of this system. */
export type Command = fc.AsyncCommand<StorageModel, System>
type Act<A> = (args: A, model: StorageModel, system: System, storage: Storage) => Promise<void>

class Step<A> implements Command {
  readonly #name: string
  readonly #args: A & { readonly handle: number }
  readonly #act: Act<A>

  constructor(name: string, args: A & { readonly handle: number }, act: Act<A>) {
    this.#name = name
    this.#args = args
    this.#act = act
  }

  check(): boolean {
    return true
  }

  async run(model: StorageModel, system: System): Promise<void> {
    const { storages } = system
    await this.#act(this.#args, model, system, storages[this.#args.handle % storages.length] ?? storages[0])
    await compare(model, system)
  }

  toString(): string {
    return `${this.#name}(${JSON.stringify(this.#args)})`
  }
}

/** A command of a name, with arguments of a shape. */
export function step<A extends object>(name: string, shape: { [K in keyof A]: fc.Arbitrary<A[K]> }, act: Act<A>) {
  const args = fc.record({ ...shape, handle: fc.nat(1) }) as unknown as fc.Arbitrary<A & { readonly handle: number }>
  return args.map((given): Command => new Step(name, given, act))
}

/** A number by which one of many is picked. */
export const pick = fc.nat(40)
/** An activity and a lease that there never are. */
export const NOBODY = { id: 'nobody', leaseId: 'none' }

/** One of the activities, or an id that nobody has. */
export function pickActivity(
  model: StorageModel,
  nth: number,
): { readonly id: string; readonly one: Modelled | undefined } {
  const all = [...model.activities.values()]
  const one = all[nth % (all.length + 1)]
  return { id: one?.sent.id ?? NOBODY.id, one }
}
