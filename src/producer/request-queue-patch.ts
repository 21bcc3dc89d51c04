// kafkajs 2.2.4 re-arms a timer with a negative delay on every connection that ever answered: about 1,000 checks a
// second each, up to 4 % of a core per idle connection. This is the one place where its code is changed: the check for
// waiting requests is not scheduled when nothing waits and nothing is throttled. Another version of kafkajs is refused,
// since nobody has looked at what it does.

import { createRequire } from 'node:module'
import { systemClock } from '../core/clock.ts'
import { ErrandError } from '../core/errors.ts'

const KAFKAJS_VERSION = '2.2.4'
const PATCHED = Symbol.for('errand.kafkajs.requestQueuePatch')

/** What the patch needs of kafkajs's request queue. */
export interface RequestQueueLike {
  readonly pending: readonly unknown[]
  /** Milliseconds since the epoch by the machine's clock; in the past when nothing is throttled. */
  readonly throttledUntil: number
  scheduleCheckPendingRequests(): void
}

/** The class whose prototype is changed. */
export interface RequestQueueClass {
  readonly prototype: RequestQueueLike
}

/**
 * Patches kafkajs once per process. Called whenever a client is made.
 *
 * Throws `configuration` when the kafkajs that is installed is not exactly the version that the patch was written for.
 */
export function patchRequestQueue(): void {
  const load = createRequire(import.meta.url)
  const { version }: { version: string } = load('kafkajs/package.json')
  checkKafkajsVersion(version)
  const queue: RequestQueueClass = load('kafkajs/src/network/requestQueue')
  patchQueueClass(queue)
}

/** Throws `configuration` for any version but the one that was looked at. */
export function checkKafkajsVersion(version: string): void {
  if (version === KAFKAJS_VERSION) return
  throw new ErrandError(
    'configuration',
    `kafkajs ${version} is installed; Errand needs exactly ${KAFKAJS_VERSION}, because it corrects that version's request queue. Install kafkajs@${KAFKAJS_VERSION}.`,
    { details: { field: 'kafkajs', received: version, allowed: KAFKAJS_VERSION } },
  )
}

/** Changes the class; a second time changes nothing. `nowMs` must be the clock of the class, the machine's. */
export function patchQueueClass(queue: RequestQueueClass, nowMs: () => number = machineNowMs): void {
  const prototype = queue.prototype
  if (PATCHED in prototype) return
  // oxlint-disable-next-line typescript/unbound-method -- it is called with its `this` below
  const original = prototype.scheduleCheckPendingRequests
  prototype.scheduleCheckPendingRequests = function scheduleCheckUnlessIdle(this: RequestQueueLike): void {
    if (this.pending.length === 0 && this.throttledUntil <= nowMs()) return
    original.call(this)
  }
  Object.defineProperty(prototype, PATCHED, { value: true })
}

/** kafkajs's own clock, which the patch has to agree with. */
function machineNowMs(): number {
  return systemClock.nowMs()
}
