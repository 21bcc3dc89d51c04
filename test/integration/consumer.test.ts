// The group consumer on a real broker: joins, epochs, commits, back-pressure, and what kafkajs does that it must survive.

import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { ErrandError } from '../../src/core/errors.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { resolveGroupConsumerOptions } from '../../src/consumer/group-consumer-options.ts'
import { GroupSession } from '../../src/consumer/group-session.ts'
import { openConsuming, range, settled } from '../support/consuming.ts'

describe('joins', () => {
  it('deliver nothing twice of the partitions that a member keeps, while records come in', async () => {
    await using broker = await openConsuming()
    const topic = await broker.topic(4)
    for (const partition of range(0, 4)) await broker.produce(topic, partition, 100)
    await using first = broker.member([topic])
    await first.consumer.start()
    await first.until(() => first.records.length === 400)
    await using second = broker.member([topic])
    const produced = Promise.all(range(0, 4).map(partition => broker.produce(topic, partition, 50)))
    await second.consumer.start()
    await produced
    await first.until(() => first.joins >= 2)
    const kept = first.partitions()
    expect([kept.length, second.partitions().length]).toEqual([2, 2])
    for (const partition of kept) await first.until(() => first.offsets(partition).length >= 150)
    for (const partition of second.partitions()) await second.until(() => second.offsets(partition).length >= 150)
    for (const partition of range(0, 4)) await broker.produce(topic, partition, 10)
    for (const partition of kept) {
      await first.until(() => first.offsets(partition).length >= 160)
      expect(first.offsets(partition)).toEqual(range(0, 160))
    }
    await second.until(() => second.records.length >= 320)
    expect(second.records).toHaveLength(320)
    expect(first.consumer.stats).toMatchObject({ rebuilds: 0, refusedBatches: 0 })
  })

  it('give a regained partition a new epoch that begins at what others have finished', async () => {
    await using broker = await openConsuming()
    const topic = await broker.topic(2)
    for (const partition of [0, 1]) await broker.produce(topic, partition, 100)
    await using first = broker.member([topic])
    await first.consumer.start()
    await first.until(() => first.records.length === 200)
    const isDone = (offset: number): boolean => offset < 50 || (offset >= 60 && offset < 70)
    first.consumer.finishMany(first.records.filter(record => isDone(record.offset)))
    await first.consumer.flush()

    const second = broker.member([topic])
    await second.consumer.start()
    await second.until(() => second.records.length >= 40)
    const lost = second.partitions()[0] ?? -1
    expect(second.offsets(lost)).toEqual([...range(50, 60), ...range(70, 100)])
    const late = first.records.filter(record => record.partition === lost && record.offset === 55)
    expect(late.map(record => record.epoch.isOpen)).toEqual([false])
    second.consumer.finishMany(second.records.filter(record => record.offset !== 80))
    const before = first.records.length
    expect(await second.consumer.stop()).toEqual({ drained: false, remaining: 1 })

    await first.until(() => first.offsets(lost, before).length > 0)
    first.consumer.finishMany(late)
    await broker.produce(topic, lost, 1)
    await first.until(() => first.offsets(lost, before).length > 1)
    expect(first.offsets(lost, before)).toEqual([80, 100])
    const status = first.consumer.assigned().find(each => each.partition === lost)
    expect(status).toMatchObject({ frontier: 80, unfinished: 2, finishedAhead: 19, position: 101 })
  })

  it('end every epoch when the member had been expelled, and deliver again only what is unfinished', async () => {
    await using broker = await openConsuming()
    const topic = await broker.topic(1)
    await broker.produce(topic, 0, 20)
    await using member = broker.member([topic])
    await member.consumer.start()
    await member.until(() => member.records.length === 20)
    member.consumer.finishMany(member.records.filter(record => record.offset < 5 || record.offset === 9))
    await member.consumer.flush()
    const held = member.records.filter(record => record.offset === 7)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_500) // no heartbeat for longer than a session
    await member.until(() => member.joins >= 2)
    await member.until(() => member.records.length >= 34)
    expect(member.offsets(0, 20)).toEqual([...range(5, 9), ...range(10, 20)])
    member.consumer.finishMany(held)
    expect(member.consumer.assigned()).toMatchObject([{ frontier: 5, unfinished: 14 }])
  })

  it('work in a group with a member that only knows round robin', async () => {
    await using broker = await openConsuming()
    const topic = await broker.topic(4)
    await using member = broker.member([topic])
    await member.consumer.start()
    const other = broker.kafka.consumer({ groupId: broker.groupId, sessionTimeout: 1_500, heartbeatInterval: 400 })
    await other.connect()
    await other.subscribe({ topics: [topic] })
    await other.run({ eachBatch: () => Promise.resolve() })
    await member.until(() => member.partitions().length === 2)
    await other.disconnect()
    await member.until(() => member.partitions().length === 4)
  })
})

describe('commits', () => {
  it('never pass an unfinished record, whatever the order of finishing', async () => {
    await using broker = await openConsuming()
    const topic = await broker.topic(1)
    await broker.produce(topic, 0, 500)
    await using member = broker.member([topic])
    await member.consumer.start()
    await member.until(() => member.records.length === 500)
    const open = new Set(range(0, 500))
    let random = 7
    while (open.size > 0) {
      for (let n = 0; n < 40 && open.size > 0; n += 1) {
        random = (random * 48_271) % 2_147_483_647
        const offset = [...open][random % Math.min(60, open.size)] ?? 0
        open.delete(offset)
        member.consumer.finishMany(member.records.filter(record => record.offset === offset))
      }
      await member.consumer.flush()
      const { offset, finishedAhead } = await broker.committed(topic, 0)
      expect(offset).toBe(open.size === 0 ? 500 : Math.min(...open))
      const ahead = finishedAhead.flatMap(run => range(run.from, run.to))
      expect(ahead).toEqual(range(offset, 500).filter(each => !open.has(each)))
    }
  })

  it('let a restart deliver again only what was unfinished', async () => {
    await using broker = await openConsuming()
    const topic = await broker.topic(1)
    await broker.produce(topic, 0, 300)
    const first = broker.member([topic])
    await first.consumer.start()
    await first.until(() => first.records.length === 300)
    first.consumer.finishMany(first.records.filter(record => record.offset % 10 !== 3))
    expect(await first.consumer.stop()).toEqual({ drained: false, remaining: 30 })
    await using second = broker.member([topic])
    await second.consumer.start()
    await broker.produce(topic, 0, 1)
    await second.until(() => second.offsets(0).includes(300))
    expect(second.offsets(0)).toEqual([...range(0, 300).filter(offset => offset % 10 === 3), 300])
  })

  it('come within the interval after the last finish', async () => {
    await using broker = await openConsuming()
    const topic = await broker.topic(1)
    await broker.produce(topic, 0, 3)
    await using member = broker.member([topic], { commitIntervalMs: 100 })
    await member.consumer.start()
    await member.until(() => member.records.length === 3)
    member.consumer.finishMany(member.records)
    await systemClock.sleep(300)
    expect((await broker.committed(topic, 0)).offset).toBe(3)
    expect(member.consumer.stats.commits).toBe(1)
  })
})

describe('handing over', () => {
  it('is held back when too much is unfinished, and goes on within 300 ms', async () => {
    await using broker = await openConsuming()
    const topic = await broker.topic(2)
    await broker.produce(topic, 0, 20_000, 300)
    await using member = broker.member([topic])
    await member.consumer.start()
    await member.until(() => member.offsets(0).length >= 2_000)
    for (let n = 1; n <= 3; n += 1) {
      await broker.produce(topic, 1, 1)
      await member.until(() => member.offsets(1).length === n)
    }
    expect(member.offsets(0).length).toBeLessThan(2_000 + 4_000) // the mark and one fetch
    let done = 0
    const resumedMs: number[] = []
    while (member.offsets(0).length < 20_000) {
      const before = member.records.length
      const startedAtMs = systemClock.monotonicMs()
      member.consumer.finishMany(member.records.slice(done))
      done = before
      await member.until(() => member.records.length > before)
      resumedMs.push(systemClock.monotonicMs() - startedAtMs)
      const unfinished = member.consumer.assigned().reduce((sum, each) => sum + each.unfinished, 0)
      expect(unfinished).toBeLessThan(6_000)
    }
    resumedMs.sort((a, b) => a - b)
    expect(resumedMs[Math.floor(resumedMs.length / 2)]).toBeLessThan(300) // the slowest says more of a busy machine
    expect(member.offsets(0)).toEqual(range(0, 20_000))
  })

  it('is tried again, in order, when it throws', async () => {
    await using broker = await openConsuming()
    const topic = await broker.topic(1)
    await broker.produce(topic, 0, 10)
    let failures = 0
    await using member = broker.member([topic], {
      onRecords: () => {
        failures += 1
        if (failures <= 3) throw new TypeError('a defect of the handler')
      },
    })
    await member.consumer.start()
    await broker.produce(topic, 0, 10)
    await member.until(() => member.records.length >= 20)
    expect(member.offsets(0)).toEqual(range(0, 20))
    expect(member.consumer.stats.rebuilds).toBe(0)
    member.consumer.finishMany(member.records)
    await member.consumer.flush()
    expect((await broker.committed(topic, 0)).offset).toBe(20)
  })

  it('stops while the intake is paused, and nothing is lost', async () => {
    await using broker = await openConsuming()
    const topic = await broker.topic(1)
    await using member = broker.member([topic])
    await member.consumer.start()
    member.consumer.pauseIntake()
    await broker.produce(topic, 0, 50)
    await systemClock.sleep(300)
    expect(member.records).toEqual([])
    member.consumer.resumeIntake()
    await member.until(() => member.records.length === 50)
  })

  it('can be waited for', async () => {
    await using broker = await openConsuming()
    const topic = await broker.topic(2)
    await using member = broker.member([topic])
    await member.consumer.start()
    const reached = member.consumer.waitForPosition([{ topic, partition: 1, offset: 5 }], 10_000)
    await broker.produce(topic, 1, 5)
    expect(await reached).toBe(true)
    expect(member.offsets(1)).toEqual(range(0, 5))
    expect(await member.consumer.waitForPosition([{ topic, partition: 1, offset: 6 }], 50)).toBe(false)
    expect(await member.consumer.waitForPosition([{ topic: 'elsewhere', partition: 1, offset: 6 }], 50)).toBe(true)
  })

  it('steps over aborted transactions and markers, and so does the frontier', async () => {
    await using broker = await openConsuming()
    const topic = await broker.topic(1)
    await using member = broker.member([topic])
    await member.consumer.start()
    await broker.produce(topic, 0, 2)
    const transactional = broker.kafka.producer({ transactionalId: broker.namespace, maxInFlightRequests: 1 })
    await transactional.connect()
    for (const end of ['abort', 'commit', 'abort'] as const) {
      const transaction = await transactional.transaction()
      await transaction.send({ topic, messages: [{ partition: 0, value: end }] })
      await transaction[end]()
    }
    await transactional.disconnect()
    await broker.grownTo(topic, 8)
    await broker.produce(topic, 0, 1)
    await member.until(() => member.records.length >= 4)
    expect(member.offsets(0)).toEqual([0, 1, 4, 8])
    expect(member.consumer.stats.refusedBatches).toBe(0)
    member.consumer.finishMany(member.records)
    await member.consumer.flush()
    expect((await broker.committed(topic, 0)).offset).toBe(9)
  })
})

describe('a log that moves', () => {
  it('is read on from its new start when records were trimmed before they were read', async () => {
    await using broker = await openConsuming()
    const topic = await broker.topic(1)
    await broker.produce(topic, 0, 10)
    await using member = broker.member([topic])
    await member.consumer.start()
    await member.until(() => member.records.length === 10)
    member.consumer.pauseIntake()
    await broker.produce(topic, 0, 50)
    await broker.admin.fetchTopicOffsets(topic)
    await broker.admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '40' }] })
    member.consumer.resumeIntake()
    await member.until(() => member.records.length >= 30)
    expect(member.offsets(0)).toEqual([...range(0, 10), ...range(40, 60)])
    expect(member.consumer.assigned()).toMatchObject([{ frontier: 40, unfinished: 20 }])
    await member.consumer.flush()
    expect((await broker.committed(topic, 0)).offset).toBe(40)
  })
})

describe('a topic that is gone', () => {
  it('does not keep the others from going on', async () => {
    await using broker = await openConsuming()
    const [gone, stays] = [await broker.topic(1), await broker.topic(1)]
    await broker.produce(stays, 0, 3)
    await using member = broker.member([gone, stays])
    await member.consumer.start()
    await member.until(() => member.records.length === 3)
    member.consumer.finishMany(member.records)
    await broker.admin.deleteTopics({ topics: [gone] })
    await member.until(() => member.joins >= 2)
    await broker.produce(stays, 0, 3)
    await member.until(() => member.records.length >= 6)
    expect(member.offsets(0)).toEqual(range(0, 6))
    expect(member.consumer.stats.missingTopics).toBe(1)
    expect(member.consumer.isHealthy()).toBe(true)
  })

  it('fails the start when it never existed', async () => {
    await using broker = await openConsuming()
    await using member = broker.member([`${broker.namespace}.mail.none`])
    await expect(member.consumer.start()).rejects.toMatchObject({ code: 'not_found' })
  })
})

describe('death and lifecycle', () => {
  it('by an unknown codec is told, and is not repeated for ever', async () => {
    await using broker = await openConsuming()
    const topic = await broker.topic(1, { 'compression.type': 'zstd' })
    await broker.produce(topic, 0, 1)
    await using member = broker.member([topic])
    await member.consumer.start()
    await member.until(() => member.fatal.length > 0)
    expect(member.fatal.map(error => error.code)).toEqual(['unsupported'])
    expect([member.consumer.isHealthy(), member.consumer.stats.rebuilds]).toEqual([false, 0])
  })

  it('starts once, stops once, and not again', async () => {
    await using broker = await openConsuming()
    const topic = await broker.topic(1)
    const { consumer } = broker.member([topic])
    await Promise.all([consumer.start(), consumer.start()])
    expect(await Promise.all([consumer.stop(), consumer.stop()])).toEqual(
      [0, 1].map(() => ({ drained: true, remaining: 0 })),
    )
    await expect(consumer.start()).rejects.toSatisfy(error => error instanceof ErrandError && error.code === 'conflict')
    const unstarted = broker.member([topic]).consumer
    expect(await unstarted.stop()).toEqual({ drained: true, remaining: 0 })
    const starting = broker.member([topic]).consumer
    const started = starting.start()
    await starting.stop()
    await started
  })

  it('leaves no member behind when a consumer is closed while it joins', async () => {
    await using broker = await openConsuming()
    const topic = await broker.topic(1)
    const options = resolveGroupConsumerOptions({
      settings: broker.settings,
      groupId: broker.groupId,
      topics: [topic],
      clock: systemClock,
      logger: silentLogger,
      onRecords: () => undefined,
      sessionTimeoutMs: 1_500,
      heartbeatMs: 400,
      rebalanceTimeoutMs: 2_000,
    })
    const ignore = (): void => undefined
    const events = { onJoin: ignore, onBatch: ignore, onSkipped: ignore, onAlive: ignore, onCrash: ignore }
    for (const afterMs of [0, 2, 5, 10, 20]) {
      const session = new GroupSession(options, [topic], () => ({}), events)
      const opening = session.open().catch(ignore)
      while (!session.hasConnected) await systemClock.sleep(1)
      await systemClock.sleep(afterMs)
      await session.close()
      await opening
    }
    await settled(async () => {
      const { groups } = await broker.admin.describeGroups([broker.groupId])
      return groups.every(group => group.members.length === 0)
    })
  })

  it('says that the brokers do not answer', async () => {
    await using broker = await openConsuming()
    const settings = { ...broker.settings, brokers: ['127.0.0.1:1'] }
    await using member = broker.member(['t'], { settings })
    await expect(member.consumer.start()).rejects.toMatchObject({ code: 'unavailable' })
  })
})
