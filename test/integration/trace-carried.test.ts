// A failure that Redis has decided and whose process died before Kafka knew: whoever publishes it again writes the same, with
// the way back to the attempt that failed.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { Client } from '../../src/client/client.ts'
import { defineActivity } from '../../src/client/define-activity.ts'
import { onCrossing } from '../../src/core/crash-point.ts'
import { KafkaStorage } from '../../src/storage/kafka/index.ts'
import { dropTopics } from '../support/drop-topics.ts'
import { freshNamespace, kafkaBrokers, redisUrl } from '../support/stack.ts'
import { z } from 'zod'

const namespace = freshNamespace('carried')
const open = (): Promise<KafkaStorage> =>
  KafkaStorage.open({ namespace, brokers: kafkaBrokers(), redisUrl: redisUrl(), partitions: 1 })
const RUN = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
const DEAD = '00-4bf92f3577b34da6a3ce929d0e0e4736-53995c3f42cd8ad8-01'
const trace = { attempt: RUN, deadLetter: DEAD }

let dying: KafkaStorage
let heir: KafkaStorage
beforeAll(async () => {
  ;[dying, heir] = await Promise.all([open(), open()])
})
afterAll(async () => {
  onCrossing(undefined)
  await heir.close()
  await dropTopics(namespace)
})

test('the retry and the dead letter that another process publishes carry the contexts that the dead one told Redis', async () => {
  const work = defineActivity({ type: 'work', input: z.null(), retryDelayMs: 0 })
  const client = new Client({ storage: dying })
  const retried = await client.enqueue(work, null)
  const doomed = await client.enqueue(work, null, { maxAttempts: 1 })
  await dying.subscribe({ types: ['work'] })
  await dying.catchUp({ types: ['work'], timeoutMs: 30_000 })
  const claimed = await dying.dequeue({ workerId: 'dies', timeoutMs: 10_000, limit: 2, leaseMs: 60_000 })
  expect(claimed).toHaveLength(2)
  onCrossing((point, phase) =>
    point === 'settle.outcome' && phase === 'before' ? Promise.reject(new TypeError('died')) : undefined,
  )
  for (const { activity, leaseId } of claimed) {
    const failure = { kind: 'retryable', error: { name: 'Error', message: 'no' } } as const
    await expect(dying.ackFailure({ id: activity.id, leaseId, failure, trace })).rejects.toThrow('died')
  }
  await heir.subscribe({ types: ['work'] })
  await dying.close()
  const [next] = await heir.dequeue({ workerId: 'heir', timeoutMs: 30_000, leaseMs: 60_000 })
  expect(next?.activity).toMatchObject({ id: retried.id, attempt: 2, attemptTraceparent: RUN })
  await expect
    .poll(async () => (await heir.listDeadLetters({})).items.map(({ id }) => id), { timeout: 30_000 })
    .toEqual([doomed.id])
  await heir.redrive({ id: doomed.id })
  const [again] = await heir.dequeue({ workerId: 'heir', timeoutMs: 30_000, leaseMs: 60_000 })
  expect(again?.activity).toMatchObject({ redriveOf: doomed.id, attemptTraceparent: DEAD })
})
