// What a case of the contract is, and what it gets to work with. Neutral to the runner: a host makes the setup, calls
// `run`, and takes a rejection for a failure.

import type { Activity } from '../../core/activity.ts'
import type { Clock } from '../../core/clock.ts'
import type { ActivitySpec } from '../../core/new-activity.ts'
import type { Storage } from '../../storage/storage.ts'

/** An activity's spec with defaults: the case's first type, payload null. */
export interface CaseSpec extends Partial<Omit<ActivitySpec, 'type'>> {
  /** @defaultValue the case's first type */
  readonly type?: string | undefined
  /** When it says it was created, ms since the epoch. @defaultValue now */
  readonly createdAtMs?: number
}

/** What a case works with. Other cases may have used the storage; nobody has used the types. */
export interface ContractSetup {
  readonly storage: Storage
  /** Real time, for deadlines and for polling what is eventually consistent. */
  readonly clock: Clock
  /** Fresh types, declared and subscribed by {@link storage}: one for each of the case's `types`. */
  readonly types: readonly string[]
  /** Another storage on the same namespace, subscribed to {@link types}: with {@link storage} a fleet of two. */
  open(): Promise<Storage>
  /** An activity by the front door, `core/new-activity.ts`. */
  newActivity(spec?: CaseSpec): Activity
}

/** One sentence of the contract, and its proof. */
export interface ContractCase {
  /** The sentence. */
  readonly name: string
  /** Where it stands: a rule's number, or the operation whose comment says it; `S…` for a hole of earlier systems. */
  readonly rule: string
  /** What the case's types end in; give several when it needs several. @defaultValue [''] */
  readonly types?: readonly string[]
  /** True: the case counts everything, so the namespace must be its own. @defaultValue false */
  readonly isAlone?: boolean
  /** Storages that are excused, with a written reason. */
  readonly skip?: { readonly on: string; readonly reason: string }
  run(setup: ContractSetup): Promise<void>
}
