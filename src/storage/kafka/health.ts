// Whether this process can work now: whether the servers answer, and whether what it subscribed to is being consumed.
// Asked by probes every few seconds, so each question is one round trip and has an end.

import type { Clock } from '../../core/clock.ts'
import { withDeadline } from '../../core/clock.ts'
import { ErrandError, saidBy } from '../../core/errors.ts'
import type { TopicAdmin } from '../../producer/topic-admin.ts'
import type { SideStore } from '../redis/side-store.ts'
import type { HealthCheck, HealthReport } from '../storage.ts'
import type { Lanes } from './lanes.ts'

/** Below what probes usually wait for. Unit: ms. */
const ANSWER_MS_MAX = 2_000

/** What is asked. */
export interface HealthParts {
  readonly store: SideStore
  readonly admin: TopicAdmin
  readonly lanes: Lanes
  readonly clock: Clock
}

/** Asks Redis, Kafka and the consumers, all at once. Never rejects. */
export async function checkHealth({ store, admin, lanes, clock }: HealthParts): Promise<HealthReport> {
  const ask = async (name: string, question: () => Promise<unknown>): Promise<HealthCheck> => {
    const late = (): Error => new ErrandError('unavailable', `${name} did not answer within ${ANSWER_MS_MAX} ms.`)
    try {
      await withDeadline(clock, question(), ANSWER_MS_MAX, late)
      return { name, trouble: null, isFatal: false }
    } catch (error) {
      return { name, trouble: saidBy(error), isFatal: false }
    }
  }
  const servers = await Promise.all([ask('redis', () => store.nowMs()), ask('kafka', () => admin.ping())])
  const consumers = lanes.health().map(({ type, death }) => {
    return { name: `consumer of ${type}`, trouble: death, isFatal: death !== null }
  })
  return { checks: [...servers, ...consumers] }
}
