// The rights of docs/operating/security.md, given to users of a real Kafka and a real Redis: with them each role does its work,
// and what they do not name is refused.

import { Kafka, logLevel } from 'kafkajs'
import type { AclEntry, Admin } from 'kafkajs'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { Client } from '../../src/client/client.ts'
import { defineActivity } from '../../src/client/define-activity.ts'
import { laneTopic, workersGroup } from '../../src/core/topics.ts'
import { handleOperations } from '../../src/operations/operation-worker.ts'
import { OPERATION_TYPE } from '../../src/operations/operation.ts'
import { startOperation } from '../../src/operations/start-operation.ts'
import { readOperation } from '../../src/operations/watch-operation.ts'
import { Reaper } from '../../src/reaper/reaper.ts'
import type { AppliedTopics } from '../../src/storage/kafka/index.ts'
import { KafkaStorage, applyTopics } from '../../src/storage/kafka/index.ts'
import { SCRIPTS, scriptText } from '../../src/storage/redis/script-text.ts'
import { Worker } from '../../src/worker/worker.ts'
import type { KafkaUser } from '../support/acl-probes.ts'
import { asAdmin, isAllowed, join, readFrom, writeTo } from '../support/acl-probes.ts'
import { openSecuredStack } from '../support/secured-stack.ts'
import type { SecuredStack } from '../support/secured-stack.ts'
import { kafkaRights, redisUsers } from '../support/security-page.ts'
import { many } from '../support/worker-setup.ts'

const NAMESPACE = 'shop'
const TYPE = 'send-invoice'
const RIGHTS = kafkaRights()
const REAPER = 'shop-reaper'
/** The one who may delete stands last, so that there still is something when the others try. */
const USERS = [...new Set(RIGHTS.map(({ user }) => user).filter(user => user !== REAPER)), REAPER]
/** Redis says it in three ways: of a command, of a command in a script (6 and 7), of a key. */
const REFUSED = /NOPERM|no permissions|can't run this command|can't access|ACL failure/i
const invoice = defineActivity({
  ...{ type: TYPE, input: z.object({ do: z.enum(['work', 'fail']) }), output: z.string() },
  ...{ maxAttempts: 2, retryDelayMs: 1 },
})

let stack: SecuredStack
let boss: Admin

beforeAll(async () => {
  stack = await openSecuredStack({ users: USERS, redisUsers: redisUsers() })
  boss = new Kafka({ brokers: [...stack.adminBrokers], logLevel: logLevel.NOTHING }).admin()
  await boss.connect()
  await boss.createAcls({ acl: RIGHTS.map(aclEntry) })
  // Others' things, for trying to reach them.
  await boss.createTopics({ topics: [{ topic: 'shop.send-invoice-copy.normal' }, { topic: 'other.dlq' }] })
})

afterAll(async () => {
  await boss?.disconnect()
  await stack?.[Symbol.asyncDispose]()
})

describe('what each role may do, in the order of a first day', () => {
  test('the provisioner makes topics, mends a setting, adds partitions, and commits first offsets', async () => {
    const apply = (partitions: number): Promise<AppliedTopics> =>
      applyTopics({
        ...{ namespace: NAMESPACE, brokers: stack.kafkaBrokers, sasl: saslOf('shop-provisioner') },
        ...{ types: [TYPE, OPERATION_TYPE], partitions, addPartitions: true },
      })
    const lane = laneTopic(NAMESPACE, TYPE, 'normal')
    const { firstOffsets } = await apply(1)
    expect(firstOffsets).toContain(workersGroup(NAMESPACE, TYPE))
    const configEntries = [{ name: 'retention.ms', value: '1000' }]
    await boss.alterConfigs({ validateOnly: false, resources: [{ type: 2, name: lane, configEntries }] })
    const { topics } = await apply(2)
    expect(
      topics
        .find(({ topic }) => topic === lane)
        ?.differences.map(({ setting }) => setting)
        .toSorted(),
    ).toEqual(expect.arrayContaining(['partitions', 'retention.ms']))
    expect((await apply(2)).topics.filter(({ action }) => action !== 'ok')).toEqual([])
  })

  test('the producer enqueues: at once, later, and under a key; the worker runs, retries and buries; results come back', async () => {
    await using produced = await open('producer')
    await using worked = await open('worker')
    await using reaped = await open('reaper')
    await using reaper = new Reaper({ storage: reaped, scheduleIntervalMs: 50, intervalMs: 200 })
    await using worker = new Worker({ storage: worked, reaper: false })
    worker.handle(invoice, input => {
      if (input.do === 'fail') throw new Error('as asked')
      return 'done'
    })
    const ended = many(worker, 'settled', 5) // three completed, one retrying, one dead letter
    await worker.start()
    await reaper.start()
    const client = new Client({ storage: produced })
    const now = await client.enqueue(invoice, { do: 'work' })
    await client.enqueue(invoice, { do: 'work' }, { delayMs: 50 })
    const keyed = await client.enqueue(invoice, { do: 'work' }, { key: 'once' })
    await client.enqueue(invoice, { do: 'fail' })
    expect(await now.result({ timeoutMs: 30_000 })).toBe('done')
    expect(await keyed.result({ timeoutMs: 30_000 })).toBe('done')
    const outcomes = (await ended).map(({ outcome }) => outcome).toSorted()
    expect(outcomes).toEqual(['completed', 'completed', 'completed', 'dead_letter', 'retrying'])
  })

  test('the reaper takes expired leases back, buries, says how lanes stand, trims and sweeps', async () => {
    await using produced = await open('producer')
    await using reaped = await open('reaper')
    const { id } = await new Client({ storage: produced }).enqueue(invoice, { do: 'work' })
    await using claimer = await open('worker')
    await claimer.subscribe({ types: [TYPE] })
    const [claimed] = await claimer.dequeue({ workerId: 'w', timeoutMs: 20_000 })
    expect(claimed?.activity.id).toBe(id)
    await claimer.fixtures.expireLease({ id })
    expect(await reaped.requeueExpired({ limit: 10 })).toMatchObject({ requeued: 1 })
    expect((await reaped.laneFigures()).map(({ type }) => type)).toContain(TYPE)
    expect(await reaped.trimLanes()).toBeGreaterThan(0)
    expect(await reaped.sweepScheduled()).toBeGreaterThanOrEqual(0)
    const [again] = await claimer.dequeue({ workerId: 'w', timeoutMs: 20_000 })
    expect(again).toMatchObject({ attempt: 2 })
    await claimer.fixtures.expireLease({ id }) // the last of two
    expect(await reaped.requeueExpired({ limit: 10 })).toMatchObject({ deadLettered: 1 })
  })

  test('the viewer sees all of it', async () => {
    await using storage = await open('viewer')
    const [letter] = (await storage.listDeadLetters({})).items
    expect(letter).toMatchObject({ type: TYPE })
    expect(await storage.getEvents({ id: letter?.id ?? '' })).not.toEqual([])
    expect(await storage.getActivity({ id: letter?.id ?? '' })).toMatchObject({ status: 'dead_letter' })
    expect((await storage.stats()).completed).toBeGreaterThan(0)
    expect((await storage.list({ status: 'completed' })).items.length).toBeGreaterThan(0)
    expect((await storage.laneFigures()).length).toBeGreaterThan(0)
  })

  test('the viewer changes nothing: Redis refuses before Kafka is asked', async () => {
    await using storage = await open('viewer')
    await storage.declareTypes({ types: [TYPE] })
    const [letter] = (await storage.listDeadLetters({})).items
    await expect(storage.redrive({ id: letter?.id ?? '' })).rejects.toThrow(REFUSED)
    await expect(storage.storeResult({ id: 'x', result: { state: 'ok', dataJson: 'null', atMs: 0 } })).rejects.toThrow(
      REFUSED,
    )
  })

  test('the operator cancels and redrives', async () => {
    await using produced = await open('producer')
    await using storage = await open('operator')
    const waiting = await new Client({ storage: produced }).enqueue(invoice, { do: 'work' }, { delayMs: 3_600_000 })
    const ready = await new Client({ storage: produced }).enqueue(invoice, { do: 'work' })
    expect(await storage.cancel({ id: waiting.id })).toEqual({ outcome: 'cancelled' })
    expect(await storage.cancel({ id: ready.id })).toEqual({ outcome: 'cancelled' })
    const [letter] = (await storage.listDeadLetters({})).items
    await storage.declareTypes({ types: [TYPE] })
    expect((await storage.redrive({ id: letter?.id ?? '' })).id).not.toBe(letter?.id)
  })

  test('an operator starts bulk work, and a reaper does it', async () => {
    await using storage = await open('operator')
    await using reaped = await open('reaper')
    await using worker = new Worker({ storage: reaped, reaper: false })
    handleOperations(worker, { storage: reaped })
    await using viewed = await open('viewer')
    const ended = many(worker, 'settled', 1)
    await storage.declareTypes({ types: [TYPE] })
    const { id } = await startOperation({ storage, spec: { kind: 'redrive', filter: { type: TYPE } } })
    for (const one of [storage, viewed]) {
      expect((await one.list({ status: 'pending', type: OPERATION_TYPE })).items).toMatchObject([{ id }])
    }
    await worker.start()
    expect(await ended).toMatchObject([{ id, outcome: 'completed' }])
    expect(await readOperation(storage, id)).toMatchObject({ state: 'completed' })
    expect((await storage.stats()).byType).toHaveProperty(OPERATION_TYPE)
    expect((await storage.list({ status: 'completed', type: OPERATION_TYPE })).items).toMatchObject([{ id }])
    expect((await viewed.getEvents({ id })).length).toBeGreaterThan(0)
  })
})

describe('a Redis that has lost its data', () => {
  test.each(['producer', 'worker', 'reaper', 'operator', 'provisioner'])(
    'is told what Kafka knows by a %s',
    async role => {
      await stack.emptyRedis()
      await using storage = await open(role)
      expect(await storage.health()).toMatchObject({ checks: [{ trouble: null }, { trouble: null }] })
    },
  )

  test('waits for another process where only a viewer comes', async () => {
    await stack.emptyRedis()
    await expect(open('viewer')).rejects.toThrow(REFUSED)
    await using _ = await open('producer')
    await using storage = await open('viewer')
    expect((await storage.stats()).byType).toHaveProperty(TYPE)
  })
})

describe('what is refused', () => {
  const lane = laneTopic(NAMESPACE, TYPE, 'normal')
  /** Everything that is tried, and who may do it. */
  const ATTEMPTS: readonly (readonly [
    what: string,
    may: readonly string[],
    attempt: (user: KafkaUser) => Promise<void>,
  ])[] = [
    ['read a lane', ['worker', 'reaper', 'operator', 'viewer', 'provisioner'], user => readFrom(user, lane)],
    ['write a lane', ['producer', 'worker', 'reaper', 'operator'], user => writeTo(user, lane)],
    [
      'read what is scheduled',
      ['producer', 'worker', 'reaper', 'operator', 'viewer', 'provisioner'],
      user => readFrom(user, 'shop.delay'),
    ],
    ['write what is scheduled', ['producer', 'worker', 'reaper', 'operator'], user => writeTo(user, 'shop.delay')],
    [
      'read outcomes',
      ['producer', 'worker', 'reaper', 'operator', 'viewer', 'provisioner'],
      user => readFrom(user, 'shop.outcomes'),
    ],
    ['write outcomes', ['worker', 'reaper', 'operator'], user => writeTo(user, 'shop.outcomes')],
    ['read dead letters', ['reaper', 'operator', 'viewer', 'provisioner'], user => readFrom(user, 'shop.dlq')],
    ['write dead letters', ['worker', 'reaper'], user => writeTo(user, 'shop.dlq')],
    ['join the workers', ['worker', 'provisioner'], user => join(user, 'shop.send-invoice.workers', lane)],
    ['join the schedulers', ['reaper', 'provisioner'], user => join(user, 'shop.scheduler', 'shop.delay')],
    ['start bulk work', ['reaper', 'operator'], user => writeTo(user, laneTopic(NAMESPACE, OPERATION_TYPE, 'normal'))],
    [
      'run bulk work',
      ['reaper', 'provisioner'],
      user => join(user, workersGroup(NAMESPACE, OPERATION_TYPE), laneTopic(NAMESPACE, OPERATION_TYPE, 'normal')),
    ],
    ['read another type', ['provisioner'], user => readFrom(user, 'shop.send-invoice-copy.normal')],
    ['write another type', [], user => writeTo(user, 'shop.send-invoice-copy.normal')],
    ['read another namespace', [], user => readFrom(user, 'other.dlq')],
    ['write another namespace', [], user => writeTo(user, 'other.dlq')],
    [
      'make a topic',
      ['provisioner'],
      user => asAdmin(user, admin => admin.createTopics({ topics: [{ topic: `shop.made-by-${user.username}.low` }] })),
    ],
    [
      'make a topic elsewhere',
      [],
      user => asAdmin(user, admin => admin.createTopics({ topics: [{ topic: `other.made-by-${user.username}` }] })),
    ],
    ['delete dead letters', [], user => asAdmin(user, admin => admin.deleteTopics({ topics: ['shop.dlq'] }))],
    ['delete what is scheduled', [], user => asAdmin(user, admin => admin.deleteTopics({ topics: ['shop.delay'] }))],
    ['give rights', [], user => asAdmin(user, admin => admin.createAcls({ acl: RIGHTS.slice(0, 1).map(aclEntry) }))],
    // Last, since it is gone then.
    [
      'delete a lane',
      ['reaper'],
      user => asAdmin(user, admin => admin.deleteTopics({ topics: [laneTopic(NAMESPACE, TYPE, 'low')] })),
    ],
  ]

  test.each(ATTEMPTS)('to %s, but for %j', async (_, may, attempt) => {
    const allowed: string[] = []
    for (const user of USERS)
      if (await isAllowed(() => attempt(kafkaUser(user)))) allowed.push(user.replace('shop-', ''))
    expect(allowed.toSorted()).toEqual([...may].toSorted())
  })

  test.each([
    ['another namespace', ['GET', '{other:00}:m:1']],
    ['another channel', ['PUBLISH', 'other:done:1', 'x']],
    ['every key', ['KEYS', '*']],
    ['a scan', ['SCAN', '0']],
    ['emptying', ['FLUSHALL']],
    ['settings', ['CONFIG', 'GET', 'save']],
    ['users', ['ACL', 'LIST']],
    ['a script that reaches elsewhere', ['EVAL', "return redis.call('GET', KEYS[1])", '1', '{other:00}:m:1']],
    ['a script that empties', ['EVAL', "return redis.call('FLUSHALL')", '0']],
  ])('Redis: %s', async (_, [command = '', ...args]) => {
    for (const { user } of redisUsers()) {
      const redis = new Redis(stack.redisUrl, { username: user, password: stack.password, lazyConnect: true })
      try {
        await redis.connect()
        await expect(redis.call(command, ...args)).rejects.toThrow(REFUSED)
      } finally {
        redis.disconnect()
      }
    }
  })

  test('Redis: the user that Redis begins with', async () => {
    const redis = new Redis(stack.redisUrl, { lazyConnect: true, retryStrategy: () => null })
    redis.on('error', () => undefined) // told by what it answers
    await expect(redis.connect().then(() => redis.ping())).rejects.toThrow()
    redis.disconnect()
  })
})

test('the rules for Redis name every command that scripts call', () => {
  const called = SCRIPTS.flatMap(script =>
    [...scriptText(script).matchAll(/redis\.call\('(\w+)'/g)].map(([, command = '']) => `+${command.toLowerCase()}`),
  )
  const [shop] = redisUsers()
  expect([...new Set(called)].filter(rule => !shop?.rules.includes(rule))).toEqual([])
})

function aclEntry({ user, operation, resource, name, isPrefix }: (typeof RIGHTS)[number]): AclEntry {
  const operations: Record<string, number> = {
    ...{ Read: 3, Write: 4, Create: 5, Delete: 6, Alter: 7, Describe: 8, DescribeConfigs: 10, AlterConfigs: 11 },
  }
  return {
    resourceType: resource === 'topic' ? 2 : 3,
    resourceName: name,
    resourcePatternType: isPrefix ? 4 : 3,
    principal: `User:${user}`,
    host: '*',
    operation: operations[operation] ?? Number.NaN,
    permissionType: 3,
  }
}

function saslOf(user: string): { mechanism: 'plain'; username: string; password: string } {
  return { mechanism: 'plain', username: user, password: stack.password }
}

function open(role: string): Promise<KafkaStorage> {
  return KafkaStorage.open({
    ...{ namespace: NAMESPACE, brokers: stack.kafkaBrokers, redisUrl: stack.redisUrl, provision: false },
    redisUsername: role === 'viewer' ? 'shop-viewer' : 'shop',
    redisPassword: stack.password,
    sasl: saslOf(`shop-${role}`),
    sessionTimeoutMs: 1_500,
    commitIntervalMs: 100,
  })
}

function kafkaUser(username: string): KafkaUser {
  return { brokers: stack.kafkaBrokers, username, password: stack.password }
}
