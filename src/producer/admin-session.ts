// The kafkajs admin client in use, and how its calls are tried again. Like a producer, an admin client is poisoned by a
// topic that it has seen and that was deleted since; its own retries would go on at that for seconds. So it gets none,
// and here: what passes is tried again for a while, what is unknown is asked of a new client once.

import type { Admin, Kafka } from 'kafkajs'
import type { Clock } from '../core/clock.ts'
import { withDeadline } from '../core/clock.ts'
import { ErrandError, invariant } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { closeSockets, createKafka, fromKafka, kafkaRetry } from './kafka-client.ts'
import type { KafkaSettings } from './kafka-client.ts'

/** How long a call is tried, pauses included. Unit: ms. */
const CALL_MS_MAX = 20_000
const RETRY_MS_FIRST = 50
const RETRY_MS_MAX = 1_000
const CLOSE_MS_MAX = 5_000

/** A client that still stumbles at this pause is replaced. Unit: ms. */
const STUMBLING_MS = 400

/** How a call is named in errors, and what it is about. */
export interface CallName {
  /** Completes "while …". */
  readonly doing: string
  readonly topic?: string
  /** Ask once, as for a health check. @defaultValue false */
  readonly isOnce?: boolean
}

interface Client {
  readonly kafka: Kafka
  readonly admin: Admin
  calls: number
  isRetired: boolean
}

/** One admin client at a time. */
export class AdminSession {
  readonly #settings: KafkaSettings
  readonly #clock: Clock
  readonly #logger: Logger
  #current: Client | undefined
  #renewing: Promise<void> | undefined

  constructor(settings: KafkaSettings, clock: Clock, logger: Logger) {
    this.#settings = settings
    this.#clock = clock
    this.#logger = logger
  }

  async open(): Promise<void> {
    this.#current = await this.#connect()
  }

  async close(): Promise<void> {
    await this.#renewing
    if (this.#current !== undefined) await this.#disconnect(this.#current)
  }

  /** Runs a call that may be repeated. Rejects with ErrandErrors only. */
  async run<T>(name: CallName, call: (admin: Admin) => Promise<T>): Promise<T> {
    const late = (): Error =>
      new ErrandError('unavailable', `${name.doing} took longer than ${CALL_MS_MAX} ms at ${this.#brokers()}.`)
    return await withDeadline(this.#clock, this.#try(name, call), CALL_MS_MAX, late)
  }

  async #try<T>(name: CallName, call: (admin: Admin) => Promise<T>): Promise<T> {
    const untilMs = this.#clock.monotonicMs() + CALL_MS_MAX
    let wasRenewed = false
    for (let pauseMs = RETRY_MS_FIRST; ; pauseMs = Math.min(pauseMs * 2, RETRY_MS_MAX)) {
      const client = await this.#client()
      try {
        return await this.#counted(client, call)
      } catch (error) {
        const failure = this.#translate(error, name)
        const isUnknown = failure.code === 'not_found' || (isStumble(error) && pauseMs >= STUMBLING_MS)
        if (isUnknown && !wasRenewed) {
          wasRenewed = true
          await this.#renew(client)
          continue
        }
        const isPassing = failure.code === 'unavailable' || failure.code === 'timeout'
        if (!isPassing || name.isOnce === true || this.#clock.monotonicMs() + pauseMs >= untilMs) throw failure
      }
      await this.#clock.sleep(pauseMs)
    }
  }

  async #counted<T>(client: Client, call: (admin: Admin) => Promise<T>): Promise<T> {
    client.calls++
    try {
      return await call(client.admin)
    } finally {
      client.calls--
      if (client.isRetired && client.calls === 0) void this.#disconnect(client)
    }
  }

  async #client(): Promise<Client> {
    await this.#renewing
    invariant(this.#current !== undefined, 'the admin client is used before it was opened')
    return this.#current
  }

  #renew(stale: Client): Promise<void> {
    if (stale !== this.#current) return this.#renewing ?? Promise.resolve()
    this.#renewing ??= this.#swap(stale).finally(() => (this.#renewing = undefined))
    return this.#renewing
  }

  async #swap(stale: Client): Promise<void> {
    this.#current = await this.#connect()
    stale.isRetired = true
    if (stale.calls === 0) void this.#disconnect(stale)
  }

  async #connect(): Promise<Client> {
    const kafka = createKafka(this.#settings)
    const admin = kafka.admin({ retry: kafkaRetry(0) })
    const client: Client = { kafka, admin, calls: 0, isRetired: false }
    const late = (): Error =>
      new ErrandError(
        'unavailable',
        `no Kafka broker of ${this.#brokers()} answered within ${CALL_MS_MAX} ms. Check \`brokers\` (ERRAND_KAFKA_BROKERS) and the network.`,
      )
    try {
      await withDeadline(this.#clock, admin.connect(), CALL_MS_MAX, late)
      return client
    } catch (error) {
      void this.#disconnect(client)
      throw fromKafka(error, `connecting to Kafka at ${this.#brokers()}`, { brokers: this.#settings.brokers })
    }
  }

  async #disconnect({ kafka, admin }: Client): Promise<void> {
    const late = (): Error => new ErrandError('timeout', `closing took longer than ${CLOSE_MS_MAX} ms`)
    await withDeadline(this.#clock, admin.disconnect(), CLOSE_MS_MAX, late).catch((error: unknown) => {
      // Nothing is lost by it.
      this.#logger.warn('a Kafka admin client did not close cleanly', { error: String(error) })
    })
    closeSockets(kafka)
  }

  #translate(error: unknown, { doing, topic }: CallName): ErrandError {
    if (isStumble(error)) {
      return new ErrandError(
        'unavailable',
        `while ${doing}: no broker of ${this.#brokers()} gave a whole answer. Try again.`,
        {
          cause: error,
          details: { brokers: this.#settings.brokers },
        },
      )
    }
    return fromKafka(error, doing, topic === undefined ? undefined : { topic })
  }

  #brokers(): string {
    return this.#settings.brokers.join(', ')
  }
}

/**
 * kafkajs stumbles over answers that are not there: it hides why no broker answered a metadata request, and of two calls
 * about different topics at the same time one may see a picture of the cluster without its topic. Where it tries by itself, it
 * wraps its own TypeError as one that is not to be tried again.
 */
function isStumble(error: unknown): boolean {
  return error instanceof TypeError || (error instanceof Error && error.cause instanceof TypeError)
}
