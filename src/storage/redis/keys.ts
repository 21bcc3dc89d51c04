// Every Redis key and channel of a namespace is built here, and nowhere else: none inside Lua, none by the callers.
// The hash tag keeps all keys of a shard in one slot, so that scripts may touch several of them on a cluster.
// One shard for now; ids and keys already pass through the functions that will choose among several.

import { murmur2 } from '../../core/murmur2.ts'

/** Waiters listen on one of so many channels, chosen by the activity's id, so that any process can wait for any result. */
const CHANNELS = 64
/** Ended activities are counted by buckets of ten minutes, so that counts fade as markers do. */
export const ENDED_BUCKET_MS = 600_000

/** The keys of one namespace. */
export class Keys {
  readonly leases: string
  readonly reservations: string
  readonly due: string
  readonly delayed: string
  readonly runningCounts: string
  readonly scheduledCounts: string
  readonly unseenCounts: string
  readonly generation: string
  /** Who restores now: a loss of Redis takes it away, and what was restored before does not count any more. */
  readonly restoring: string
  /** While it is there nothing is reaped: whoever holds a lease gets the time to renew it. */
  readonly grace: string
  readonly sweep: string
  /** The lock of who tells an emptied Redis what the logs know. */
  readonly recovery: string
  /** How far a rebuild has come. */
  readonly rebuild: string
  /** Operations by when they were saved last. */
  readonly operations: string
  readonly #tag: string
  readonly #namespace: string

  constructor(namespace: string) {
    this.#namespace = namespace
    this.#tag = `{${namespace}:00}`
    this.leases = `${this.#tag}:leases`
    this.reservations = `${this.#tag}:reservations`
    this.due = `${this.#tag}:due`
    this.delayed = `${this.#tag}:delayed`
    this.runningCounts = `${this.#tag}:running`
    this.scheduledCounts = `${this.#tag}:scheduled`
    this.unseenCounts = `${this.#tag}:unseen`
    this.generation = `${this.#tag}:generation`
    this.restoring = `${this.#tag}:restoring`
    this.grace = `${this.#tag}:grace`
    this.sweep = `${this.#tag}:sweep`
    this.recovery = `${this.#tag}:recovery`
    this.rebuild = `${this.#tag}:rebuild`
    this.operations = `${this.#tag}:operations`
  }

  /** The marker of an activity. Under `a:` older versions have kept hashes, which are not read. */
  marker(id: string): string {
    return `${this.#tag}:m:${id}`
  }

  /** How far an operation has come. */
  operation(id: string): string {
    return `${this.#tag}:operation:${id}`
  }

  /** That a dead letter was discarded. */
  discard(id: string): string {
    return `${this.#tag}:discarded:${id}`
  }

  /** The entry of an idempotency key. A type holds no colon, so type and key cannot run into each other. */
  keyEntry(type: string, key: string): string {
    return `${this.#tag}:key:${type}:${key}`
  }

  /** Counts of what ended in the bucket of this time. */
  endedCounts(atMs: number): string {
    return `${this.#tag}:ended:${Math.floor(atMs / ENDED_BUCKET_MS)}`
  }

  /** Where waiters of this activity are woken. */
  channel(id: string): string {
    return `${this.#namespace}:done:${murmur2(Buffer.from(id)) & (CHANNELS - 1)}`
  }
}

/** The member of the reservations set that a key is. */
export function reservationMember(type: string, key: string): string {
  return `${type}:${key}`
}

/** The type and key of a member of the reservations set. */
export function parseReservationMember(member: string): { type: string; key: string } {
  const colon = member.indexOf(':')
  return { type: member.slice(0, colon), key: member.slice(colon + 1) }
}
