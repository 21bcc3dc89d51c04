// The topic writer while brokers freeze and die. Each test has brokers of its own.

import { describe, expect, it } from 'vitest'
import { openPrivateStack } from '../../scripts/stack/private-stack.ts'
import { systemClock } from '../../src/core/clock.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { createKafka } from '../../src/producer/kafka-client.ts'
import { TopicAdmin } from '../../src/producer/topic-admin.ts'
import { TopicWriter } from '../../src/producer/topic-writer.ts'
import type { WriteRecord } from '../../src/producer/topic-writer.ts'

const PARTITIONS = 4

async function setup(options: { readonly brokers: 1 | 3; readonly requestTimeoutMs?: number }) {
  const stack = await openPrivateStack({ brokers: options.brokers })
  const settings = {
    brokers: stack.kafkaBrokers,
    clientId: 'outage-test',
    logger: silentLogger,
    requestTimeoutMs: options.requestTimeoutMs ?? 10_000,
  }
  const admin = new TopicAdmin({ settings, clock: systemClock, logger: silentLogger })
  const writer = new TopicWriter({ settings, clock: systemClock, logger: silentLogger })
  await Promise.all([admin.start(), writer.start()])
  const topic = 'outage.lane'
  const replication = options.brokers === 3 ? { replicationFactor: 3 } : {}
  const config: Record<string, string> = options.brokers === 3 ? { 'min.insync.replicas': '2' } : {}
  await admin.provision([{ topic, partitions: PARTITIONS, config, ...replication }])
  return {
    stack,
    settings,
    admin,
    writer,
    topic,
    async [Symbol.asyncDispose]() {
      await writer.stop()
      await admin.stop()
      await stack.stop()
    },
  }
}

type Context = Awaited<ReturnType<typeof setup>>

function record(topic: string, n: number): WriteRecord {
  return { topic, partition: n % PARTITIONS, key: `${n}`, value: `${n}` }
}

/** All values on the log. */
async function readAll({ settings, admin, topic }: Context): Promise<string[]> {
  const expected = (await admin.offsets(topic)).reduce((sum, { low, high }) => sum + high - low, 0)
  const consumer = createKafka(settings).consumer({ groupId: 'outage-reader', retry: { retries: 5 } })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  const values: string[] = []
  await new Promise<void>((resolve, reject) => {
    consumer
      .run({
        autoCommit: false,
        eachBatch: async ({ batch }) => {
          for (const { value } of batch.messages) values.push(String(value))
          if (values.length >= expected) resolve()
        },
      })
      .catch(reject)
  })
  await consumer.disconnect()
  return values
}

describe('a frozen broker', () => {
  it('makes writes unavailable at their deadline, and those with a later one are written once it goes on', async () => {
    await using context = await setup({ brokers: 1, requestTimeoutMs: 1_000 })
    const { writer, stack, topic } = context
    await writer.write([record(topic, 0)])
    await stack.killBroker(1, 'SIGSTOP')
    const patient = writer.write([record(topic, 1)], { deadlineMs: 60_000 })
    const startedAtMs = systemClock.monotonicMs()
    const [answer] = await writer.write([record(topic, 2)], { deadlineMs: 1_500 })
    expect(systemClock.monotonicMs() - startedAtMs).toBeLessThan(2_000)
    expect(answer).toMatchObject({ ok: false, error: { code: 'unavailable' } })
    expect(answer?.ok === false && answer.error.message).toMatch(/1500 ms; the outcome is unknown.*last trouble/)
    await stack.killBroker(1, 'SIGCONT')
    expect(await patient).toMatchObject([{ ok: true }])
    expect(await writer.write([record(topic, 3)])).toMatchObject([{ ok: true }])
    expect(await readAll(context)).toEqual(expect.arrayContaining(['0', '1', '3']))
  })

  it('is found again after a restart', async () => {
    await using context = await setup({ brokers: 1 })
    const { writer, stack, topic } = context
    await writer.write([record(topic, 0)])
    await stack.killBroker(1)
    const waiting = writer.write([record(topic, 1)], { deadlineMs: 60_000 })
    await stack.startBroker(1)
    expect(await waiting).toMatchObject([{ ok: true }])
  })
})

describe('a broker of three that dies', () => {
  it('costs no write an error whose deadline is longer than the failover, and none that was acknowledged', async () => {
    await using context = await setup({ brokers: 3 })
    const { writer, stack, topic } = context
    const acknowledged: string[] = []
    const refused: string[] = []
    let isDone = false
    let next = 0
    const caller = async (): Promise<void> => {
      while (!isDone) {
        const n = next++
        const [answer] = await writer.write([record(topic, n)])
        if (answer?.ok === true) acknowledged.push(`${n}`)
        else refused.push(answer?.error.message ?? 'no answer')
      }
    }
    const callers = Promise.all(Array.from({ length: 20 }, caller))
    await writer.write([record(topic, 0)])
    await stack.killBroker(2)
    // Every partition has a leader again once each of them has acknowledged something new.
    for (let partition = 0; partition < PARTITIONS; partition++) {
      expect(await writer.write([record(topic, partition)])).toMatchObject([{ ok: true }])
    }
    await stack.startBroker(2)
    isDone = true
    await callers
    expect(refused).toEqual([])
    const onLog = new Set(await readAll(context))
    expect(acknowledged.filter(value => !onLog.has(value))).toEqual([])
  })
})
