// Waking those who wait for an activity's end: Redis pub/sub, one of 64 channels by id. Pub/sub is at most once, so a
// waiter subscribes before it looks, and everybody looks again after a reconnect.

import type { StoredResult } from '../../core/activity.ts'
import { withSignal } from '../../core/clock.ts'
import { readResult } from './markers.ts'
import type { SideStore } from './side-store.ts'

/** Waits for ends of activities, any number at once. */
export class Waiters {
  readonly #store: SideStore
  readonly #waiting = new Map<string, Set<() => void>>()
  readonly #subscribed = new Map<string, Promise<unknown>>()

  constructor(store: SideStore) {
    this.#store = store
    const { redis } = store.subscriber
    redis.on('message', (_channel: string, id: string) => this.#wake(id))
    redis.on('ready', () => this.#lookAgain())
  }

  /** Calls back whenever the activity may have ended. Resolves once nothing can be missed; the function given stops it. */
  async watch(id: string, onEnd: () => void): Promise<() => void> {
    const callbacks = this.#waiting.get(id) ?? new Set()
    callbacks.add(onEnd)
    this.#waiting.set(id, callbacks)
    const stop = (): void => {
      callbacks.delete(onEnd)
      if (callbacks.size === 0) this.#waiting.delete(id)
    }
    try {
      await this.#subscribe(this.#store.keys.channel(id))
      return stop
    } catch (error) {
      stop()
      throw error
    }
  }

  #subscribe(channel: string): Promise<unknown> {
    // Subscriptions are kept: there are 64 of them at most, and ioredis renews them after a reconnect.
    const subscribing =
      this.#subscribed.get(channel) ??
      this.#store.subscriber.guard('a subscription', () => this.#store.subscriber.redis.subscribe(channel))
    this.#subscribed.set(channel, subscribing)
    subscribing.catch(() => this.#subscribed.delete(channel))
    return subscribing
  }

  // What ended while the connection was away woke nobody. Subscribed again first: what ends after the look must wake somebody.
  #lookAgain(): void {
    const channels = [...this.#subscribed.keys()]
    if (channels.length === 0) return
    this.#store.subscriber
      .guard('a subscription', () => this.#store.subscriber.redis.subscribe(...channels))
      .catch(() => undefined) // the connection is gone again; its next `ready` comes here
      .finally(() => {
        for (const id of this.#waiting.keys()) this.#wake(id)
      })
  }

  #wake(id: string): void {
    for (const callback of this.#waiting.get(id) ?? []) callback()
  }
}

/** Resolves with the result as soon as there is one. Rejects with `cancelled` when the signal aborts. */
export async function awaitResult(params: {
  readonly store: SideStore
  readonly waiters: Waiters
  readonly id: string
  readonly signal: AbortSignal | undefined
}): Promise<StoredResult> {
  const { store, waiters, id, signal } = params
  let look = (): void => undefined
  const found = new Promise<StoredResult>((resolve, reject) => {
    look = () => {
      readResult(store, id).then(result => {
        if (result !== null) resolve(result)
      }, reject)
    }
  })
  const watching = waiters.watch(id, () => look())
  try {
    // Subscribed before it is looked: what ends in between is not missed.
    await withSignal(watching, signal)
    look()
    return await withSignal(found, signal)
  } finally {
    watching.then(stop => stop()).catch(() => undefined) // it was thrown above
    found.catch(() => undefined)
  }
}
