// The group consumer while its broker freezes and dies. Each test has a broker of its own.

import { describe, expect, it } from 'vitest'
import { openPrivateStack } from '../../scripts/stack/private-stack.ts'
import { openConsuming, range } from '../support/consuming.ts'

describe('a broker that dies and comes back', () => {
  it('is joined again, and only what was unfinished comes again', async () => {
    await using stack = await openPrivateStack({ brokers: 1 })
    await using broker = await openConsuming(stack.kafkaBrokers)
    const topic = await broker.topic(2)
    for (const partition of [0, 1]) await broker.produce(topic, partition, 20)
    await using member = broker.member([topic])
    await member.consumer.start()
    await member.until(() => member.records.length === 40)
    member.consumer.finishMany(member.records.filter(record => record.offset !== 5))
    await stack.killBroker(1)
    member.consumer.finishMany(member.records.filter(record => record.offset === 5 && record.partition === 1))
    await stack.startBroker(1)
    await member.until(() => member.joins >= 2)
    for (const partition of [0, 1]) await broker.produce(topic, partition, 10)
    await member.until(() => range(0, 2).every(partition => member.offsets(partition, 40).includes(29)))
    const again = member.offsets(0, 40).filter(offset => offset < 20)
    expect(again.every(offset => offset >= 5)).toBe(true)
    for (const partition of [0, 1]) expect(member.offsets(partition, 40).slice(-10)).toEqual(range(20, 30))
    member.consumer.finishMany(member.records)
    await member.consumer.flush()
    for (const partition of [0, 1]) expect((await broker.committed(topic, partition)).offset).toBe(30)
    expect(member.consumer.isHealthy()).toBe(true)
  })

  it('may freeze for a while', async () => {
    await using stack = await openPrivateStack({ brokers: 1 })
    await using broker = await openConsuming(stack.kafkaBrokers)
    const topic = await broker.topic(1)
    const settings = { ...broker.settings, requestTimeoutMs: 1_000 }
    await using member = broker.member([topic], { settings })
    await member.consumer.start()
    await stack.killBroker(1, 'SIGSTOP')
    await new Promise(resolve => setTimeout(resolve, 4_000))
    await stack.killBroker(1, 'SIGCONT')
    await broker.produce(topic, 0, 10)
    await member.until(() => member.records.length >= 10)
    expect(member.offsets(0)).toEqual(range(0, 10))
  })
})
