// Which of the subscribed topics exist. Asked only when a consumer is built anew: kafkajs dies of a deleted topic again and
// again, and its other topics with it. What is gone is looked for from time to time.

import type { Clock } from '../core/clock.ts'
import { ErrandError, fromUnknown } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { KafkaSettings } from '../producer/kafka-client.ts'
import { closeSockets, createKafka, fromKafka, kafkaRetry } from '../producer/kafka-client.ts'

export interface TopicPresenceOptions {
  readonly settings: KafkaSettings
  readonly topics: readonly string[]
  readonly clock: Clock
  readonly logger: Logger
}

/** How often a topic that is gone is looked for. */
const LOOK_MS = 30_000

/** Knows which subscribed topics are missing. */
export class TopicPresence {
  /** Those that were missing when last looked for. */
  missing: readonly string[] = []
  readonly #options: TopicPresenceOptions
  readonly #onBack: (topics: readonly string[]) => void
  #cancelLook: (() => void) | undefined
  #isStopped = false

  /** `onBack`: topics that were missing exist again. */
  constructor(options: TopicPresenceOptions, onBack: (topics: readonly string[]) => void) {
    this.#options = options
    this.#onBack = onBack
  }

  /** The subscribed topics that exist. Rejects with `not_found` when none does, `unavailable` when nobody can tell. */
  async existing(): Promise<string[]> {
    const { settings, topics, logger } = this.#options
    const existing = await existingTopics(settings, topics)
    this.missing = topics.filter(topic => !existing.includes(topic))
    if (this.missing.length > 0) {
      logger.error('subscribed topics do not exist; the others go on', { missing: this.missing })
      this.#lookLater()
    }
    if (existing.length === 0) throw new ErrandError('not_found', 'none of the subscribed topics exists')
    return existing
  }

  stop(): void {
    this.#isStopped = true
    this.#cancelLook?.()
  }

  #lookLater(): void {
    this.#cancelLook?.()
    if (this.#isStopped) return
    this.#cancelLook = this.#options.clock.after(LOOK_MS, () => void this.#look())
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    const { settings, logger } = this.#options
    try {
      const back = await existingTopics(settings, this.missing)
      if (back.length > 0) return this.#onBack(back)
    } catch (error) {
      logger.debug('missing topics could not be looked for', { reason: fromUnknown(error, 'unavailable').message })
    }
    if (this.missing.length > 0) this.#lookLater()
  }
}

async function existingTopics(settings: KafkaSettings, topics: readonly string[]): Promise<string[]> {
  const kafka = createKafka(settings)
  const admin = kafka.admin({ retry: kafkaRetry(1) })
  try {
    await admin.connect()
    const existing = new Set(await admin.listTopics())
    return topics.filter(topic => existing.has(topic))
  } catch (error) {
    throw fromKafka(error, 'listing the topics')
  } finally {
    await admin.disconnect().finally(() => closeSockets(kafka))
  }
}
