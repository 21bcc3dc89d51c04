// Where this run takes place: Kafka and Redis, started if need be, or this process's memory.

import { readGiven } from '../../scripts/stack/given.ts'
import { StackError } from '../../scripts/stack/stack-error.ts'
import { currentStack, ensureStack } from '../../scripts/stack/stack.ts'
import type { Storage } from '../../src/index.ts'
import { systemClock } from '../../src/index.ts'
import { patchRequestQueue } from '../../src/producer/request-queue-patch.ts'
import { KafkaStorage } from '../../src/storage/kafka/index.ts'
import { MemoryStorage } from '../../src/storage/memory/index.ts'
import type { Command } from './command.ts'
import type { Fleet } from './fleet.ts'
import { PARTITIONS, WORKERS } from './fleet.ts'
import { MemoryFleet } from './memory-fleet.ts'
import { ProcessFleet } from './process-fleet.ts'
import { say } from './say.ts'

/** A storage, and how workers are started on it. Disposing it closes the storage. */
export interface Place extends AsyncDisposable {
  readonly storage: Storage
  startFleet(): Fleet
  /** Said at the end. */
  readonly hint: string | undefined
  /** Said when it was interrupted. */
  readonly resumeHint: string
}

/** Chooses and opens. Says where, and why when it is not what one would expect. */
export async function openPlace({ storage, namespace }: Command): Promise<Place> {
  if (storage === 'memory') return openMemory(namespace)
  patchRequestQueue() // else Node warns of kafkajs's timers while the stack is looked for
  const wasUp = (await currentStack()) !== undefined
  try {
    const stack = await ensureStack()
    const hint =
      wasUp || stack.source === 'given' ? undefined : 'Kafka and Redis stay up; stop them with: npm run stack -- down'
    return await openKafka({ ...stack, hint, namespace: namespace ?? freshNamespace() })
  } catch (error) {
    // What the environment gives is meant: going on without it would hide a mistake.
    const given = readGiven(process.env)
    const isMeant = storage === 'kafka' || given.kafkaBrokers !== undefined || given.redisUrl !== undefined
    if (isMeant || !(error instanceof StackError)) throw error
    say(`no Kafka and Redis here, so this run is on memory: ${error.message}`)
    return openMemory(namespace)
  }
}

function openMemory(namespace: string | undefined): Place {
  const storage = new MemoryStorage(namespace === undefined ? {} : { namespace })
  say('storage: memory, which this process forgets when it ends; two workers in this process')
  const resumeHint = 'Memory forgets what was not run.'
  return {
    ...{ storage, hint: undefined, resumeHint, startFleet: () => new MemoryFleet(storage, WORKERS) },
    [Symbol.asyncDispose]: () => storage.close(),
  }
}

interface KafkaPlace {
  readonly kafkaBrokers: readonly string[]
  readonly redisUrl: string
  readonly namespace: string
  readonly hint: string | undefined
}

async function openKafka({ kafkaBrokers, redisUrl, namespace, hint }: KafkaPlace): Promise<Place> {
  say(`storage: Kafka at ${kafkaBrokers.join(', ')} and Redis, namespace ${namespace}; two workers, each a process`)
  const storage = await KafkaStorage.open({ namespace, brokers: kafkaBrokers, redisUrl, partitions: PARTITIONS })
  const env = {
    ERRAND_KAFKA_BROKERS: kafkaBrokers.join(','),
    ERRAND_REDIS_URL: redisUrl,
    ERRAND_NAMESPACE: namespace,
  }
  const resumeHint = `What was not run waits in Kafka; go on with: npm start -- --namespace ${namespace}`
  return {
    ...{ storage, hint, resumeHint, startFleet: () => new ProcessFleet(env, WORKERS) },
    [Symbol.asyncDispose]: () => storage.close(),
  }
}

function freshNamespace(): string {
  return `orders-${systemClock.nowMs().toString(36)}`
}
