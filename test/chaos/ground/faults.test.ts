// Every fault on a real stack with processes that do nothing: it hits, it proves that it did, and all is well afterwards.
// What a fault leaves is looked at from outside: the traffic of clients, which must get on again.

import { Consumer as OtherConsumer } from '@platformatic/kafka'
import { Redis } from 'ioredis'
import type { Producer } from 'kafkajs'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { waitUntil } from '../../../scripts/stack/wait.ts'
import { systemClock } from '../../../src/core/clock.ts'
import type { FaultLine } from '../evidence.ts'
import { SeededRandom } from '../random.ts'
import { DummyFleet } from './dummy-fleet.ts'
import { FAULTS, possibleFaults } from './faults/all.ts'
import { isProduce } from './faults/network.ts'
import type { Fault, Ground } from './ground.ts'
import { injectFault } from './ground.ts'
import { controllerOf, coordinatorOf, membersOf, partitionsOf } from './kafka-view.ts'
import type { ProxiedStack } from './proxied-stack.ts'
import { openProxiedStack } from './proxied-stack.ts'

const TOPIC = 'chaos.probe'
const GROUP = 'chaos.group'
/** Short, so that faults that outlast a lease do not last. */
const LEASE_MS = 300
const SCRIPT = `return redis.call('INCR', KEYS[1])`

/** Servers, a fleet and clients that talk to the servers without end. */
async function setup(brokers: 1 | 3) {
  const stack = await openProxiedStack({ brokers })
  const fleet = new DummyFleet()
  const admin = kafkaOf(stack.direct.kafkaBrokers).admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: 2, replicationFactor: brokers }] })
  await admin.disconnect()
  const traffic = await Traffic.start(stack)
  let losses = 0
  const ground: Ground = {
    ...{ stack, fleet, clock: systemClock, leaseMs: LEASE_MS, topics: [TOPIC], groups: [] },
    afterRedisLoss: async () => {
      losses += 1
    },
  }
  return {
    ...{ stack, fleet, traffic, ground },
    losses: () => losses,
    async [Symbol.asyncDispose]() {
      await traffic.stop()
      await fleet[Symbol.asyncDispose]()
      await stack.stop()
    },
  }
}

type Context = Awaited<ReturnType<typeof setup>>

/** One client of each kind, at work by way of the proxies, whatever happens. */
class Traffic {
  answers = { kafka: 0, redis: 0 }
  readonly #redis: Redis
  readonly #producer: Producer
  #isOver = false
  #loops: Promise<unknown> = Promise.resolve()

  static async start({ kafkaBrokers, redisUrl }: { kafkaBrokers: readonly string[]; redisUrl: string }) {
    const traffic = new Traffic(kafkaBrokers, redisUrl)
    await traffic.#producer.connect()
    traffic.#loops = Promise.all([
      traffic.#repeat('redis', () => traffic.#redis.eval(SCRIPT, 1, 'traffic')),
      traffic.#repeat('kafka', () => traffic.#producer.send({ topic: TOPIC, messages: [{ value: 'x' }], acks: -1 })),
    ])
    await traffic.goesOn()
    return traffic
  }

  private constructor(kafkaBrokers: readonly string[], redisUrl: string) {
    this.#redis = new Redis(redisUrl, { retryStrategy: () => 50, commandTimeout: 1_000 })
    this.#redis.on('error', () => undefined) // faults are what it is here for
    this.#producer = kafkaOf(kafkaBrokers).producer()
  }

  /** Waits until clients of these have got answers that they had not before. */
  async goesOn(sides: readonly ('kafka' | 'redis')[] = ['kafka', 'redis']): Promise<void> {
    const before = { ...this.answers }
    const does = (): boolean => sides.every(side => this.answers[side] > before[side])
    const explain = (): string => `${JSON.stringify(before)} before, now ${JSON.stringify(this.answers)}`
    await waitUntil(does, { what: 'clients to get answers again', deadlineMs: 30_000, explain })
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await this.#loops
    this.#redis.disconnect()
    await this.#producer.disconnect()
  }

  async #repeat(what: 'kafka' | 'redis', ask: () => Promise<unknown>): Promise<void> {
    while (!this.#isOver) {
      await ask().then(
        () => (this.answers[what] += 1),
        () => undefined, // counted by its absence
      )
      await systemClock.sleep(20)
    }
  }
}

function kafkaOf(brokers: readonly string[], retries = 2): Kafka {
  return new Kafka({
    brokers: [...brokers],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 2_000,
    requestTimeout: 2_000,
    retry: { initialRetryTime: 50, maxRetryTime: 500, retries },
  })
}

/** Injects it, and looks at what all faults have in common. */
async function proven(context: Context, name: string, random = shortest()): Promise<FaultLine> {
  const fault = faultOf(name)
  const lossesBefore = context.losses()
  const line = await injectFault(fault, { ground: context.ground, random, outstanding: () => 7 })
  console.log(`${name} (${Math.round(line.toMono - line.fromMono)} ms) ${line.target}: ${line.proof} | ${line.cure}`)
  expect(line).toMatchObject({ fault: name, outstanding: 7, losesRedis: fault.losesRedis })
  expect(line.proof, `${name} happened`).toEqual(expect.any(String))
  expect(line.cure, `${name} is over`).toEqual(expect.any(String))
  expect(line.toMono).toBeGreaterThan(line.fromMono)
  if (fault.losesRedis) expect(context.losses()).toBe(lossesBefore + 1)
  if (fault.lane === 'servers') await context.traffic.goesOn([name.includes('redis') ? 'redis' : 'kafka'])
  return line
}

function faultOf(name: string): Fault {
  const found = FAULTS.find(fault => fault.name === name)
  if (found === undefined) throw new Error(`there is no fault ${name}`)
  return found
}

/** Chance that makes everything as short as it can be. */
function shortest(): SeededRandom {
  const random = new SeededRandom(1)
  random.next = () => 0
  return random
}

describe('with one broker', () => {
  let context: Context
  beforeAll(async () => {
    context = await setup(1)
  })
  afterAll(() => context[Symbol.asyncDispose]())

  // Faults of different parts do not touch each other, so the parts are gone through side by side.
  const parts = [
    ['processes', (fault: Fault) => fault.lane === 'processes'],
    ['Redis', ({ name }: Fault) => /redis/.test(name)],
    ['brokers', ({ name }: Fault) => /^broker|kafka$/.test(name)],
  ] as const

  test.concurrent.each(parts)('every fault of %s is proven, and so is its end', async (_, isOfPart) => {
    for (const { name } of possibleFaults(1).filter(isOfPart)) await proven(context, name)
  })

  test('clients are told to come by way of the proxies, everybody else is told the way past them', async () => {
    const { stack } = context
    const told = async (address: string): Promise<string[]> => {
      const admin = kafkaOf([address]).admin()
      await admin.connect()
      const { brokers } = await admin.describeCluster()
      await admin.disconnect()
      return brokers.map(({ host, port }) => `${host}:${port}`)
    }
    const [client = '', direct = ''] = [stack.kafkaBrokers[0], stack.direct.kafkaBrokers[0]]
    expect(await told(client)).toEqual([client])
    expect(await told(direct)).toEqual([direct])
    expect(client).not.toBe(direct)
    expect(stack.redisUrl).not.toBe(stack.direct.redisUrl)
  })

  test('no fault is left out of the parts, and none has the name of another', () => {
    for (const { name } of possibleFaults(1)) {
      expect(parts.filter(([, isOfPart]) => isOfPart(faultOf(name))).map(([part]) => `${name} ${part}`)).toHaveLength(1)
    }
    expect(new Set(FAULTS.map(({ name }) => name)).size).toBe(FAULTS.length)
  })
})

test('a produce is told from other requests, also behind one, and the middle of a request is none', () => {
  const produce = request(0)
  const fetch = request(1)
  expect([produce, Buffer.concat([fetch, produce]), fetch, fetch.subarray(3)].map(isProduce)).toEqual([
    ...[true, true, false, false],
  ])
  expect(isProduce(Buffer.alloc(64))).toBe(false)
})

/** A request of a kind as it begins on the wire: length, kind, version, then what is not looked at. */
function request(kind: number): Buffer {
  const bytes = Buffer.alloc(4 + 40, 0xaa)
  bytes.writeInt32BE(40)
  bytes.writeInt16BE(kind, 4)
  return bytes
}

/** A member of a group, and whom another client takes for the group's coordinator. */
async function joined({ direct }: ProxiedStack) {
  // The first group of a cluster makes the topic of the offsets, which takes as long as it takes.
  const consumer = kafkaOf(direct.kafkaBrokers, 50).consumer({ groupId: GROUP })
  const { GROUP_JOIN } = consumer.events
  const joining = Promise.withResolvers<string>()
  consumer.on(GROUP_JOIN, ({ payload }) => joining.resolve(payload.memberId))
  await consumer.connect()
  await consumer.subscribe({ topics: [TOPIC] })
  await consumer.run({ eachMessage: async () => undefined })
  const other = new OtherConsumer({ clientId: 'other', groupId: GROUP, bootstrapBrokers: [...direct.kafkaBrokers] })
  return {
    id: await joining.promise,
    coordinator: () => other.findGroupCoordinator(),
    async [Symbol.asyncDispose]() {
      await other.close()
      await consumer.disconnect()
    },
  }
}

describe('with three brokers', () => {
  test('leaders, controller and coordinator are found and hit, and fewer than the least in sync is had', async () => {
    await using context = await setup(3)
    const { stack } = context
    expect([1, 2, 3]).toContain(controllerOf(stack))
    const partitions = await partitionsOf(stack, [TOPIC])
    expect(partitions).toHaveLength(2)
    expect(partitions?.every(({ isr }) => isr.length === 3)).toBe(true)
    await using member = await joined(stack)
    expect(await membersOf(stack, GROUP)).toEqual([member.id])
    expect(await coordinatorOf(stack, GROUP)).toBe(await member.coordinator())
    await proven(context, 'broker.kill')
    await proven(context, 'isr.below')
    await proven(context, 'net.cut.kafka')
  }, 240_000)
})
