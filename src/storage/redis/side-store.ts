// The side-store: what Redis decides. Leases, markers, results, idempotency keys and the due-time index, in batches of
// scripts that are idempotent under their lease or request id. Nothing that is merely pending is here, and nothing here
// is the only copy of anything that matters.

import { randomUUID } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import { LIMITS } from '../../core/limits.ts'
import { Keys } from './keys.ts'
import type { RedisSettings } from './connection.ts'
import { RedisConnection, checkServer } from './connection.ts'

/** After Redis was away or stuck, workers get one default lease to renew before anything is reaped. */
export const GRACE_MS = 15_000

/** A restore that takes longer is begun again. */
const RESTORE_MS_MAX = 3_600_000

/** How long Redis remembers. Unit: ms. */
export interface Retention {
  /** The marker of an ended or waiting attempt. @defaultValue an hour */
  readonly markerMs: number
  /** A result, and its marker with it. @defaultValue a day */
  readonly resultMs: number
  /** An idempotency key, and its activity's marker with it. @defaultValue a day */
  readonly keyMs: number
}

/** Defaults of {@link Retention}. */
export const DEFAULT_RETENTION: Retention = { markerMs: 3_600_000, resultMs: 86_400_000, keyMs: 86_400_000 }

/** The connections, keys and lifetimes that every operation of the side-store needs. */
export class SideStore {
  readonly keys: Keys
  readonly retention: Retention
  readonly clock: Clock
  /** For scripts. */
  readonly main: RedisConnection
  /** For renewals: never behind a large batch. */
  readonly renewals: RedisConnection
  /** For pub/sub. */
  readonly subscriber: RedisConnection

  constructor(settings: RedisSettings & { readonly namespace: string; readonly retention: Retention }) {
    this.keys = new Keys(settings.namespace)
    this.retention = settings.retention
    this.clock = settings.clock
    this.main = new RedisConnection(settings, 'main').watchErrors()
    this.renewals = new RedisConnection(settings, 'renewals').watchErrors()
    this.subscriber = new RedisConnection(settings, 'subscriber').watchErrors()
  }

  /** Connects and checks the server. Leaves nothing open when it fails. */
  async open(): Promise<void> {
    try {
      await this.main.connect()
      await checkServer(this.main)
      await Promise.all([this.renewals.connect(), this.subscriber.connect()])
    } catch (error) {
      this.disconnect()
      throw error
    }
  }

  /** Redis's time, by which everything is due. */
  async nowMs(): Promise<number> {
    const [seconds, microseconds] = await this.main.guard('the time', () => this.main.redis.time())
    return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000)
  }

  /** False when Redis is new, was emptied, or was started anew: it may know less than it was told. */
  async hasGeneration(): Promise<boolean> {
    return (await this.#generation('ask', '')) === '1'
  }

  /** Begins a restore; gives the token that ends it. */
  async beginRestore(): Promise<string> {
    const token = randomUUID()
    await this.#generation('begin', token)
    return token
  }

  /**
   * Says that what the logs can restore is there: not before it is, so that nobody who dies in between leaves a hole. It does
   * not count when Redis has lost data since the restore began; {@link hasGeneration} tells.
   */
  async endRestore(token: string): Promise<void> {
    await this.#generation('end', token)
  }

  async #generation(step: 'ask' | 'begin' | 'end', token: string): Promise<string | undefined> {
    const { generation, grace, restoring } = this.keys
    const reply = await this.main.run(
      'generation',
      [generation, grace, restoring],
      [step, token, GRACE_MS, RESTORE_MS_MAX],
    )
    return reply[0]
  }

  async close(): Promise<void> {
    await Promise.all([this.main.close(), this.renewals.close(), this.subscriber.close()])
  }

  disconnect(): void {
    for (const connection of [this.main, this.renewals, this.subscriber]) connection.redis.disconnect()
  }
}

/** Splits a flat reply into rows. */
export function rows(reply: readonly unknown[], width: number): string[][] {
  const out: string[][] = []
  for (let at = 0; at < reply.length; at += width) out.push(reply.slice(at, at + width).map(String))
  return out
}

/** Splits items into batches that one script may take: so many at most, and of large ones fewer. `sizeOf`: about how many bytes one has. */
export function batches<T>(items: readonly T[], countMax: number, sizeOf: (item: T) => number = () => 0): T[][] {
  const out: T[][] = []
  let batch: T[] = []
  let size = 0
  for (const item of items) {
    if (batch.length === countMax || (batch.length > 0 && size + sizeOf(item) > LIMITS.scriptBytesMax)) {
      out.push(batch)
      batch = []
      size = 0
    }
    batch.push(item)
    size += sizeOf(item)
  }
  if (batch.length > 0) out.push(batch)
  return out
}
