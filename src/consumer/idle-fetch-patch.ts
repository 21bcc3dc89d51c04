// How long a fetch waits where nothing comes. kafkajs waits `maxWaitTimeInMs` each time; short, and ten idle types cost 6 % of a
// core in fetches that bring nothing; long, and a partition that is resumed waits as long. So here each fetch that brings
// nothing doubles the wait of the next, and one that brings something, or a paused partition, takes it back. Records that come
// meanwhile end a wait at once; only a seek and a stop have to wait for it. Groups of others in the process are untouched.

import { createRequire } from 'node:module'
import { CONSUMER_LIMITS } from '../core/limits.ts'
import { checkKafkajsVersion } from '../producer/kafka-client.ts'
import { isErrandSticky } from './sticky-protocol.ts'

const PATCHED = Symbol.for('errand.kafkajs.idleFetchPatch')
/** Heartbeats go out between fetches: of a session they come five times, and none is to be late by more than half of that. */
const WAITS_IN_A_SESSION = 10

/** What the patch needs of kafkajs's consumer group. */
export interface ConsumerGroupLike {
  readonly assigners: readonly { readonly name: string }[]
  readonly sessionTimeout: number
  readonly subscriptionState: { paused(): readonly unknown[] }
  /** Milliseconds, read when the request is made. */
  maxWaitTime: number
  fetch(nodeId: string): Promise<readonly { isEmpty(): boolean }[]>
}

/** The class whose prototype is changed. */
export interface ConsumerGroupClass {
  readonly prototype: ConsumerGroupLike
}

/** Patches kafkajs once per process. Called whenever a group is joined. Throws `configuration` for another kafkajs. */
export function patchIdleFetch(): void {
  const load = createRequire(import.meta.url)
  const { version }: { version: string } = load('kafkajs/package.json')
  checkKafkajsVersion(version)
  patchConsumerGroupClass(load('kafkajs/src/consumer/consumerGroup') as ConsumerGroupClass)
}

/** Changes the class; a second time changes nothing. */
export function patchConsumerGroupClass({ prototype }: ConsumerGroupClass): void {
  if (PATCHED in prototype) return
  // oxlint-disable-next-line typescript/unbound-method -- it is called with its `this` below
  const original = prototype.fetch
  const waits = new WeakMap<ConsumerGroupLike, IdleWaits>()
  prototype.fetch = async function fetch(this: ConsumerGroupLike, nodeId) {
    if (!this.assigners.some(isErrandSticky)) return original.call(this, nodeId)
    const own = waits.get(this) ?? new IdleWaits(this.maxWaitTime, this.sessionTimeout)
    waits.set(this, own)
    this.maxWaitTime = this.subscriptionState.paused().length > 0 ? own.shortestMs : own.of(nodeId)
    const batches = await original.call(this, nodeId)
    own.note(
      nodeId,
      batches.every(batch => batch.isEmpty()),
    )
    return batches
  }
  Object.defineProperty(prototype, PATCHED, { value: true })
}

/** How long the next fetch from each broker waits. Unit: ms. */
class IdleWaits {
  readonly shortestMs: number
  readonly #longestMs: number
  readonly #waits = new Map<string, number>()

  constructor(shortestMs: number, sessionTimeoutMs: number) {
    this.shortestMs = shortestMs
    const longestMs = Math.min(CONSUMER_LIMITS.idleFetchMsMax, sessionTimeoutMs / WAITS_IN_A_SESSION)
    this.#longestMs = Math.max(shortestMs, Math.floor(longestMs))
  }

  of(nodeId: string): number {
    return this.#waits.get(nodeId) ?? this.shortestMs
  }

  note(nodeId: string, isIdle: boolean): void {
    this.#waits.set(nodeId, isIdle ? Math.min(this.#longestMs, this.of(nodeId) * 2) : this.shortestMs)
  }
}
