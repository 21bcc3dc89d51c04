// Outcomes written straight into the log, of any age and in any number: a history that nobody has to live through.

import { Kafka, logLevel } from 'kafkajs'
import type { OutcomeRecord } from '../../src/core/activity.ts'
import { partitionOf } from '../../src/core/murmur2.ts'
import { outcomesTopic } from '../../src/core/topics.ts'
import { encodeOutcome } from '../../src/wire/outcome-record.ts'
import { kafkaBrokers } from './stack.ts'

const BATCH = 2_000

/** An outcome as a worker's success leaves it, but for what is given. */
export function outcomeOf(given: Partial<OutcomeRecord> & Pick<OutcomeRecord, 'id' | 'endedAtMs'>): OutcomeRecord {
  return {
    type: 'work',
    priority: 'normal',
    attempt: 1,
    outcome: 'completed',
    leaseId: `lease-${given.id}`,
    worker: 'w',
    retryCount: 0,
    maxAttempts: 3,
    createdAtMs: given.endedAtMs - 2_000,
    scheduledAtMs: null,
    startedAtMs: given.endedAtMs - 1_000,
    nextAttemptAtMs: null,
    error: null,
    resultJson: null,
    envelope: null,
    key: null,
    redriveOf: null,
    ...given,
  }
}

/** Writes outcomes in order, with the times at which they ended as their times in the log. */
export async function writeOutcomes(
  namespace: string,
  partitions: number,
  outcomes: readonly OutcomeRecord[],
): Promise<void> {
  const producer = new Kafka({ brokers: kafkaBrokers(), logLevel: logLevel.NOTHING }).producer()
  await producer.connect()
  try {
    for (let at = 0; at < outcomes.length; at += BATCH) {
      const messages = outcomes.slice(at, at + BATCH).map(outcome => ({
        key: outcome.id,
        partition: partitionOf(outcome.id, partitions),
        value: encodeOutcome(outcome),
        timestamp: String(outcome.endedAtMs),
      }))
      await producer.send({ topic: outcomesTopic(namespace), messages, acks: -1 })
    }
  } finally {
    await producer.disconnect()
  }
}
