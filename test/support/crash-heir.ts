// Those who live: a storage that takes up what a dead process has left, does all the housekeeping there is, and completes
// whatever it is given, until the activities have ended.

import type { ClaimedAttempt } from '../../src/core/activity.ts'
import { isTerminal } from '../../src/core/activity.ts'
import { systemClock } from '../../src/core/clock.ts'
import { ErrandError, isErrandError } from '../../src/core/errors.ts'
import type { KafkaStorage } from '../../src/storage/kafka/index.ts'
import type { CrashGround } from './crash-ground.ts'

const ENDED_MS_MAX = 30_000
const LIMIT = 100
/** What the heir returns for whatever it runs. */
export const HEIR_RESULT = '"by the heir"'

/** A worker, a reaper and a scheduler in one, stepped. */
export class CrashHeir {
  readonly claims: ClaimedAttempt[] = []
  readonly #ground: CrashGround
  readonly #storage: KafkaStorage
  readonly #reaper: KafkaStorage
  readonly #isSwept: boolean

  /** `reaper`: who takes leases back; another storage where that of the heir has just had trouble with Redis. */
  constructor(ground: CrashGround, storage: KafkaStorage, isSwept: boolean, reaper: KafkaStorage = storage) {
    this.#ground = ground
    this.#storage = storage
    this.#reaper = reaper
    this.#isSwept = isSwept
  }

  /** Works until these have ended and nothing waits any more; when that takes too long, says what is missing. */
  async workUntilEnded(ids: readonly string[]): Promise<void> {
    await this.#storage.subscribe({ types: [this.#ground.type] })
    const until = systemClock.monotonicMs() + ENDED_MS_MAX
    for (;;) {
      await this.#housekeep(ids)
      await this.#run()
      const missing = await this.#missing(ids)
      if (missing === null) return
      if (systemClock.monotonicMs() > until) throw new ErrandError('timeout', `not ended: ${JSON.stringify(missing)}`)
    }
  }

  /** One more look: what is claimed now should not have been there. */
  async runRest(): Promise<void> {
    await this.#storage.catchUp({ types: [this.#ground.type], timeoutMs: 5_000 })
    await this.#run(0)
  }

  async #housekeep(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      // The heir settles what it claims before it comes here, so a lease that is left is the dead one's.
      await this.#storage.fixtures.expireLease({ id }).catch((error: unknown) => {
        if (!isErrandError(error, 'not_found')) throw error
      })
    }
    await this.#ground.redis.hurry()
    await this.#reaper.requeueExpired({ limit: LIMIT })
    await this.#storage.confirmReservations({ limit: LIMIT })
    if (this.#isSwept) {
      await this.#ground.redis.allowSweep()
      await this.#storage.sweepScheduled()
      await this.#ground.redis.hurry()
    }
    await this.#storage.processScheduled({ limit: LIMIT })
  }

  async #run(timeoutMs = 100): Promise<void> {
    const claimed = await this.#storage.dequeue({ workerId: 'heir', timeoutMs, limit: LIMIT })
    this.claims.push(...claimed)
    if (claimed.length === 0) return
    const leases = claimed.map(({ activity, leaseId }) => ({ id: activity.id, leaseId, resultJson: HEIR_RESULT }))
    const answers = await this.#storage.ackSuccess({ leases })
    if (answers.some(answer => answer !== 'settled')) {
      throw new ErrandError('internal', `the heir's settlements were answered ${answers.join(', ')}`)
    }
  }

  /** What is still to come, or null. */
  async #missing(ids: readonly string[]): Promise<unknown> {
    const { pending, running, scheduled } = await this.#storage.stats()
    const left = { pending, running, scheduled, ...(await this.#ground.redis.left()) }
    if (Object.values(left).some(count => count > 0)) return left
    for (const id of ids) {
      const activity = await this.#storage.getActivity({ id })
      if (activity === null || !isTerminal(activity.status)) return { id, status: activity?.status ?? 'unknown' }
      const outcomes = await this.#ground.outcomes(id)
      if (!outcomes.some(({ outcome }) => isTerminal(outcome)))
        return { id, status: activity.status, outcomes: 'none in Kafka' }
    }
    return null
  }
}
