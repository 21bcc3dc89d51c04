// A namespace's keys in Redis, to be looked at and spoilt: what the crash-point tests do to it behind everybody's back.

import assert from 'node:assert/strict'
import { Redis } from 'ioredis'
import { Keys, reservationMember } from '../../src/storage/redis/keys.ts'
import { markerFields } from '../../src/storage/redis/marker-text.ts'
import { redisUrl } from './stack.ts'

/** A connection of its own to one namespace's keys. */
export class CrashRedis {
  readonly #redis = new Redis(redisUrl())
  readonly #keys: Keys

  constructor(namespace: string) {
    this.#keys = new Keys(namespace)
  }

  /** Deletes the namespace's keys: what a Redis that lost its memory looks like to it. */
  async empty(): Promise<void> {
    const tag = this.#keys.leases.slice(0, this.#keys.leases.indexOf('}') + 1)
    for await (const keys of this.#redis.scanStream({ match: `${tag}*`, count: 1_000 }) as AsyncIterable<string[]>) {
      if (keys.length > 0) await this.#redis.del(...keys)
    }
  }

  /** The due-time index is gone, and nothing else. */
  async loseIndex(): Promise<void> {
    await this.#redis.del(this.#keys.due, this.#keys.delayed, this.#keys.scheduledCounts)
  }

  /** A leased attempt's envelope is gone, and nothing else. */
  async loseEnvelope(id: string): Promise<void> {
    const key = this.#keys.marker(id)
    const { e: envelope, ...rest } = markerFields(await this.#redis.getBuffer(key)) ?? {}
    assert.ok(envelope)
    await this.#redis.set(key, `${JSON.stringify(rest)}\n`, 'KEEPTTL')
  }

  /** The member of the schedule's index that a running attempt's home is; null while it has none. */
  async home(id: string): Promise<string | null> {
    return markerFields(await this.#redis.getBuffer(this.#keys.marker(id)))?.h ?? null
  }

  /** Puts the due time of one member of the schedule's index into the past. */
  async makeDue(member: string): Promise<void> {
    await this.#redis.zadd(this.#keys.due, 'XX', '1', member)
  }

  /** A key counts as reserved long ago, whether its enqueue was confirmed or not. */
  async addReservation(type: string, key: string): Promise<void> {
    await this.#redis.zadd(this.#keys.reservations, 1, reservationMember(type, key))
  }

  /** Puts every due time, and the time of every reservation, into the past. */
  async hurry(): Promise<void> {
    for (const key of [this.#keys.due, this.#keys.reservations]) {
      const members = await this.#redis.zrange(key, '0', '-1')
      if (members.length > 0) await this.#redis.zadd(key, 'XX', ...members.flatMap(member => ['1', member]))
    }
  }

  /** Lets the next sweep, or recovery, happen, however soon after the last, and although who held the lock has died with it. */
  async allowSweep(): Promise<void> {
    await this.#redis.del(this.#keys.sweep, this.#keys.recovery)
  }

  /** What waits in the sets: nothing, once all has ended. */
  async left(): Promise<Record<string, number>> {
    const { leases, reservations, due, delayed } = this.#keys
    const [leased, reserved, dueMembers, envelopes] = await Promise.all([
      this.#redis.zcard(leases),
      this.#redis.zcard(reservations),
      this.#redis.zcard(due),
      this.#redis.hlen(delayed),
    ])
    return { leased, reserved, dueMembers, envelopes }
  }

  close(): void {
    this.#redis.disconnect()
  }
}
