// Mistakes, planted one after the other on a real Kafka and Redis: `errand doctor`, as people run it, finds each by a finding of
// its own, says what it saw, and where the fix is a command of `errand`, that very command mends it.

import { mkdtempSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ensureRedis } from '../../scripts/stack/local.ts'
import { choosePorts } from '../../scripts/stack/ports.ts'
import { stopStack } from '../../scripts/stack/stack.ts'
import { waitUntil } from '../../scripts/stack/wait.ts'
import { systemClock } from '../../src/core/clock.ts'
import { movableClock } from '../chaos/ground/wall-clock.ts'
import { doctor, errand, only, Patient, problems } from '../support/doctor-patient.ts'
import { ForeignProducer } from '../support/foreign-producer.ts'
import { runAlone } from '../support/observed-namespace.ts'
import { kafkaBrokers, redisUrl } from '../support/stack.ts'

const HOUR_MS = 3_600_000

test('a namespace that was just applied has no error and no warning, and says what nobody can look at', async () => {
  await using patient = await Patient.open(['mail'])
  const diagnosis = await patient.doctor()
  expect({ exitCode: diagnosis.exitCode, problems: problems(diagnosis) }, JSON.stringify(diagnosis)).toEqual({
    exitCode: 0,
    problems: [],
  })
  expect(diagnosis.verdict).toBe('well')
  expect(diagnosis.notChecked.map(({ what }) => what)).toEqual(['the clocks of the brokers'])
  const { exitCode, stdout, stderr } = await errand(['doctor'], patient.env)
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
  expect(stdout).toContain('All is well: 0 errors, 0 warnings')
})

test('topics that do not do are found, and the command that the finding names mends them', async () => {
  await using patient = await Patient.open(['mail', 'orders'])
  const { admin } = patient
  const mistakes: readonly (readonly [id: string, says: string, plant: () => Promise<unknown>])[] = [
    ['topic-missing', 'mail.low', () => admin.deleteTopics({ topics: [patient.topic('mail.low')] })],
    ['lane-retention', 'retention.ms is 86400000', () => patient.set('mail.high', { 'retention.ms': '86400000' })],
    ['lane-cleanup', 'is compact on', () => patient.set('mail.high', { 'cleanup.policy': 'compact' })],
    ['delay-not-compacted', 'is delete on', () => patient.set('delay', { 'cleanup.policy': 'delete' })],
    ['delay-compaction-slow', 'segment.ms is 604800000', () => patient.set('delay', { 'segment.ms': '604800000' })],
    ['outcomes-retention', 'is 3600000 (1 h)', () => patient.set('outcomes', { 'retention.ms': '3600000' })],
    ['history-compacted', 'is compact on', () => patient.set('outcomes', { 'cleanup.policy': 'compact' })],
    ['dead-letter-retention', 'is 3600000 (1 h)', () => patient.set('dlq', { 'retention.ms': '3600000' })],
    ['topic-message-size', 'is 1048588', () => patient.set('mail.normal', { 'max.message.bytes': '1048588' })],
    ['topic-compression', 'is zstd', () => patient.set('orders.low', { 'compression.type': 'zstd' })],
    ['topic-time', 'is LogAppendTime', () => patient.set('dlq', { 'message.timestamp.type': 'LogAppendTime' })],
    ['min-insync-impossible', 'is 2 with 1 copy', () => patient.set('orders.high', { 'min.insync.replicas': '2' })],
    [
      'lane-partitions-differ',
      'orders.critical 3',
      () => admin.createPartitions({ topicPartitions: [{ topic: patient.topic('orders.critical'), count: 3 }] }),
    ],
  ]
  for (const [, , plant] of mistakes) await plant()
  const sick = await patient.doctor(['--types', 'mail,orders'])
  expect(sick.exitCode, JSON.stringify(sick)).toBe(7)
  expect(problems(sick).toSorted(), runAlone()).toEqual(mistakes.map(([id]) => id).toSorted())
  const commands = new Set<string>()
  for (const [id, says] of mistakes) {
    const finding = only(sick, id)
    expect(finding.says).toContain(says)
    const command = /`errand (topics apply [^`]+)`/.exec(finding.fix)?.[1]
    expect(command, `${id}: ${finding.fix}`).toBeDefined()
    commands.add(command ?? '')
  }
  for (const command of commands) {
    const { exitCode, stderr } = await errand(command.split(' '), patient.env)
    // Where partitions are still to be added, and this command is not the one that adds them, it says so.
    expect([0, 6], `${command}: ${stderr}`).toContain(exitCode)
  }
  expect(problems(await patient.doctor()), runAlone()).toEqual([])
})

test('a topic of which a lagging copy may become the leader is found', async () => {
  await using patient = await Patient.open(['mail'])
  await patient.set('mail.normal', { 'unclean.leader.election.enable': 'true' })
  const diagnosis = await patient.doctor()
  expect(only(diagnosis, 'unclean-election').subject).toBe(patient.topic('mail.normal'))
  expect(problems(diagnosis)).toEqual(['unclean-election'])
})

describe('groups', () => {
  test('work without a worker, offsets beyond the end and below the start, and a schedule that nobody reads', async () => {
    await using patient = await Patient.open(['mail', 'orders'])
    await using foreign = new ForeignProducer()
    for (let at = 0; at < 3; at += 1)
      await foreign.send(patient.topic('mail.high'), { key: 'k', value: Buffer.from('v') })
    for (let at = 0; at < 2; at += 1)
      await foreign.send(patient.topic('orders.low'), { key: 'k', value: Buffer.from('v') }, 1)
    await foreign.send(patient.topic('delay'), { key: 'k:1', value: Buffer.from('v') })
    // A lane that was deleted and made anew still has the offsets that were committed of the one before.
    await patient.admin.setOffsets({
      ...{ groupId: patient.topic('orders.workers'), topic: patient.topic('orders.critical') },
      partitions: [{ partition: 0, offset: '7' }],
    })
    await patient.admin.fetchTopicOffsets(patient.topic('orders.low'))
    await patient.admin.deleteTopicRecords({
      topic: patient.topic('orders.low'),
      partitions: [{ partition: 1, offset: '2' }],
    })
    const diagnosis = await patient.doctor()
    expect(problems(diagnosis).toSorted(), JSON.stringify(diagnosis)).toEqual([
      'offset-below-start',
      'offset-beyond-end',
      'schedule-without-readers',
      'work-without-workers',
    ])
    expect(only(diagnosis, 'work-without-workers').says).toContain('3 records of mail wait')
    expect(only(diagnosis, 'offset-beyond-end').says).toContain('committed 7')
    expect(only(diagnosis, 'offset-below-start').says).toContain('the partition begins at 2')
    expect(diagnosis.exitCode).toBe(7)
  })

  test('a group that never committed is a note, and topics apply commits its first offsets', async () => {
    await using patient = await Patient.open(['mail'])
    const groupId = patient.topic('mail.workers')
    expect((await patient.doctor()).findings.map(({ id }) => id)).not.toContain('offset-never-committed')
    await patient.admin.deleteGroups([groupId])
    const diagnosis = await patient.doctor()
    const { fix, severity } = only(diagnosis, 'offset-never-committed')
    expect([severity, diagnosis.exitCode]).toEqual(['note', 0])
    const command = /`errand (topics apply [^`]+)`/.exec(fix)?.[1] ?? ''
    expect(await errand(command.split(' '), patient.env)).toMatchObject({
      exitCode: 0,
      stderr: expect.stringContaining(groupId),
    })
    expect((await patient.doctor()).findings.map(({ id }) => id)).not.toContain('offset-never-committed')
  })

  test('a frontier that stands below an old record while somebody is there to move it', async () => {
    await using patient = await Patient.open(['mail', 'orders'])
    await using foreign = new ForeignProducer()
    const timestampMs = systemClock.nowMs() - HOUR_MS
    for (const name of ['mail.high', 'orders.high']) {
      // One an hour old, one of now: orders is only behind.
      const at = name === 'mail.high' ? { timestampMs } : {}
      await foreign.send(patient.topic(name), { key: 'k', value: Buffer.from('v'), ...at })
    }
    await using members = new AsyncDisposableStack()
    for (const type of ['mail', 'orders']) {
      members.use(await member(patient.topic(`${type}.workers`), patient.topic(`${type}.high`)))
    }
    const diagnosis = await patient.doctor()
    expect(problems(diagnosis), JSON.stringify(diagnosis)).toEqual(['frontier-stands'])
    const { subject, says } = only(diagnosis, 'frontier-stands')
    expect(subject).toBe(patient.topic('mail.workers'))
    expect(says).toContain(`${patient.topic('mail.high')}/0 at 0`)
  })

  test('a rebalance that does not end', async () => {
    await using patient = await Patient.open(['mail'])
    await using foreign = new ForeignProducer()
    await foreign.send(patient.topic('mail.high'), { key: 'k', value: Buffer.from('v') })
    const [groupId, topic] = [patient.topic('mail.workers'), patient.topic('mail.high')]
    const hang = Promise.withResolvers<void>()
    await using members = new AsyncDisposableStack()
    members.use(await member(groupId, topic, hang.promise))
    members.defer(hang.resolve)
    // Wants to join, and waits for the one that hangs.
    const second = consumerOf(groupId)
    members.defer(() => second.disconnect())
    await second.connect()
    await second.subscribe({ topics: [topic], fromBeginning: true })
    const joining = second.run({ autoCommit: false, eachBatch: async () => undefined })
    members.defer(() => joining)
    members.defer(hang.resolve)
    const state = async (): Promise<string | undefined> =>
      (await patient.admin.describeGroups([groupId])).groups[0]?.state
    const isRebalancing = async (): Promise<boolean> => (await state()) === 'PreparingRebalance'
    await waitUntil(isRebalancing, { what: 'the rebalance', deadlineMs: 20_000, intervalMs: 100 })
    expect(only(await patient.doctor(), 'group-stuck').subject).toBe(groupId)
  })

  function consumerOf(groupId: string) {
    return new Kafka({ brokers: kafkaBrokers(), logLevel: logLevel.NOTHING }).consumer({
      groupId,
      sessionTimeout: 30_000,
      rebalanceTimeout: 60_000,
    })
  }

  /** A member that has been given a record and commits nothing; with `hang` it is still at it. */
  async function member(
    groupId: string,
    topic: string,
    hang: Promise<void> = Promise.resolve(),
  ): Promise<AsyncDisposable> {
    const consumer = consumerOf(groupId)
    const given = Promise.withResolvers<void>()
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    const eachBatch = async (): Promise<void> => {
      given.resolve()
      await hang
    }
    await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch })
    await given.promise
    return { [Symbol.asyncDispose]: () => consumer.disconnect() }
  }
})

describe('Redis', () => {
  let dataDir = ''
  let port = 0
  let patient: Patient
  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'errand-doctor-'))
    port = (await ensureRedis(dataDir)).port
    patient = await Patient.open([])
  })
  afterAll(async () => {
    await patient[Symbol.asyncDispose]()
    await stopStack({ dataDir })
  })

  const env = (url = `redis://127.0.0.1:${port}`): Record<string, string> => ({ ...patient.env, ERRAND_REDIS_URL: url })

  /** With these settings for as long as the work takes. */
  async function configured<T>(
    settings: Readonly<Record<string, string>>,
    work: (redis: Redis) => Promise<T>,
  ): Promise<T> {
    const redis = new Redis(port, '127.0.0.1')
    const before = await Promise.all(Object.keys(settings).map(name => redis.config('GET', name)))
    try {
      for (const [name, value] of Object.entries(settings)) await redis.config('SET', name, value)
      return await work(redis)
    } finally {
      for (const [name = '', value = ''] of before) await redis.config('SET', name, value)
      redis.disconnect()
    }
  }

  test.each<[string, Readonly<Record<string, string>>, string]>([
    ['redis-evicts', { 'maxmemory-policy': 'allkeys-lru' }, 'allkeys-lru'],
    ['redis-no-persistence', { appendonly: 'no', save: '' }, 'appendonly is no'],
  ])('%s: %j', async (id, settings, says) => {
    const diagnosis = await configured(settings, () => doctor(env()))
    expect(problems(diagnosis), JSON.stringify(diagnosis)).toEqual([id])
    expect(only(diagnosis, id).says).toContain(says)
    expect(only(diagnosis, id).fix).toMatch(/noeviction|appendonly yes/)
  })

  test('snapshots alone are a note', async () => {
    const diagnosis = await configured({ appendonly: 'no', save: '3600 1' }, () => doctor(env()))
    expect(only(diagnosis, 'redis-snapshots-only').severity).toBe('note')
    expect(diagnosis.exitCode).toBe(0)
  })

  test('one that is nearly full', async () => {
    const diagnosis = await configured({ maxmemory: '0' }, async redis => {
      const used = Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1])
      await redis.config('SET', 'maxmemory', String(Math.round(used * 1.1)))
      return doctor(env())
    })
    expect(problems(diagnosis), JSON.stringify(diagnosis)).toEqual(['redis-memory'])
  })

  test('a replica', async () => {
    const redis = new Redis(port, '127.0.0.1')
    const [nobody = 0] = await choosePorts(1)
    await redis.replicaof('127.0.0.1', nobody)
    const diagnosis = await doctor(env())
    await redis.replicaof('NO', 'ONE')
    redis.disconnect()
    expect(only(diagnosis, 'redis-replica').says).toContain('slave')
  })

  test('a user who may not run scripts, and one whose keys are others', async () => {
    const redis = new Redis(port, '127.0.0.1')
    try {
      await redis.acl('SETUSER', 'quiet', 'on', '>pw', '~*', '&*', '+@all', '-@scripting')
      await redis.acl('SETUSER', 'stranger', 'on', '>pw', '~{other:*', '+@all')
      for (const user of ['quiet', 'stranger']) {
        const diagnosis = await doctor(env(`redis://${user}:pw@127.0.0.1:${port}`))
        expect(problems(diagnosis), `${user}: ${JSON.stringify(diagnosis)}`).toEqual(['redis-rights'])
        expect(only(diagnosis, 'redis-rights').fix).toContain(`{${patient.namespace}:`)
      }
    } finally {
      await redis.acl('DELUSER', 'quiet', 'stranger')
      redis.disconnect()
    }
  })

  test('a wrong password, which is not shown', async () => {
    const diagnosis = await configured({ requirepass: 'right-one' }, async redis => {
      const found = await doctor(env(`redis://:wrong-one@127.0.0.1:${port}`))
      await redis.config('SET', 'requirepass', '')
      return found
    })
    expect(problems(diagnosis)).toEqual(['redis-refused'])
    expect(only(diagnosis, 'redis-refused').says).toContain(`127.0.0.1:${port}`)
    expect(JSON.stringify(diagnosis)).not.toContain('wrong-one')
    expect(diagnosis.exitCode).toBe(7)
  })
})

test('the clock of this machine, an hour ahead of that of Redis', async () => {
  await using patient = await Patient.open([])
  const file = join(mkdtempSync(join(tmpdir(), 'errand-doctor-clock-')), 'clock')
  writeFileSync(file, String(HOUR_MS))
  const { execArgv, env } = movableClock(file)
  const diagnosis = await doctor({ ...patient.env, ...env }, [], execArgv)
  expect(problems(diagnosis), JSON.stringify(diagnosis)).toEqual(['clock-off'])
  expect(only(diagnosis, 'clock-off').says).toMatch(/36\d\d\.\d s ahead of/)
})

test('settings that are wrong together', async () => {
  await using patient = await Patient.open(['mail'])
  const args = ['--lease', '5s', '--grace', '1m', '--marker-life', '5m', '--result-life', '30d']
  const diagnosis = await patient.doctor([...args, '--partitions', '3'])
  expect(
    diagnosis.findings.map(({ id }) => id),
    JSON.stringify(diagnosis),
  ).toEqual(expect.arrayContaining(['lease-below-session', 'grace-beyond-pod', 'marker-life-short']))
  expect(problems(diagnosis).toSorted()).toEqual([
    'lease-below-session',
    'marker-life-short',
    'outcomes-retention',
    'topic-partitions-few',
  ])
})

describe('servers that are not there', () => {
  test('are both named, over a network also for being spoken to in plain text, and the exit code is 5', async () => {
    const diagnosis = await doctor({
      ...{ ERRAND_NAMESPACE: 'nowhere', ERRAND_KAFKA_BROKERS: 'kafka.invalid:9092' },
      ERRAND_REDIS_URL: 'redis://:secret-word@redis.invalid:6379',
    })
    expect({ exitCode: diagnosis.exitCode, verdict: diagnosis.verdict }).toEqual({
      exitCode: 5,
      verdict: 'unreachable',
    })
    expect(problems(diagnosis), JSON.stringify(diagnosis)).toEqual([
      'kafka-unreachable',
      'redis-unreachable',
      'kafka-plain-text',
      'redis-plain-text',
    ])
    expect(only(diagnosis, 'kafka-unreachable').says).toContain('kafka.invalid:9092')
    expect(only(diagnosis, 'redis-unreachable').says).toContain('redis.invalid:6379')
    expect(JSON.stringify(diagnosis)).not.toContain('secret-word')
  })

  test('hide nothing of the other: with one of them away the other is looked at', async () => {
    await using patient = await Patient.open(['mail'])
    await patient.set('mail.high', { 'retention.ms': '86400000' })
    const [nobody = 0] = await choosePorts(1)
    const noRedis = await doctor({ ...patient.env, ERRAND_REDIS_URL: `redis://127.0.0.1:${nobody}` })
    expect(problems(noRedis)).toEqual(['redis-unreachable', 'lane-retention'])
    const noKafka = await doctor({ ...patient.env, ERRAND_KAFKA_BROKERS: `127.0.0.1:${nobody}` })
    expect(problems(noKafka)).toEqual(['kafka-unreachable'])
    expect(noKafka.findings.map(({ id }) => id)).not.toContain('types-unknown')
    expect([noRedis.exitCode, noKafka.exitCode]).toEqual([5, 5])
  })

  test('or take connections and say nothing: told in time, and nothing is made of what was not seen', async () => {
    const sockets = new Set<Socket>()
    const silent = createTcpServer(socket => void sockets.add(socket)).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as AddressInfo
    const startedMs = systemClock.monotonicMs()
    const diagnosis = await doctor({
      ...{ ERRAND_NAMESPACE: 'nowhere', ERRAND_KAFKA_BROKERS: `127.0.0.1:${port}` },
      ERRAND_REDIS_URL: `redis://127.0.0.1:${port}`,
    })
    const tookMs = systemClock.monotonicMs() - startedMs
    for (const socket of sockets) socket.destroy()
    silent.close()
    expect(diagnosis.findings.map(({ id }) => id)).toEqual(['kafka-unreachable', 'redis-unreachable'])
    expect(diagnosis.exitCode).toBe(5)
    expect(tookMs).toBeLessThan(45_000)
  })

  test('are a matter of text too, each finding with its fix', async () => {
    const [nobody = 0] = await choosePorts(1)
    const { exitCode, stdout } = await errand(['doctor'], {
      ...{ ERRAND_NAMESPACE: 'nowhere', ERRAND_KAFKA_BROKERS: `127.0.0.1:${nobody}`, ERRAND_REDIS_URL: redisUrl() },
    })
    expect(exitCode).toBe(5)
    expect(stdout).toMatch(
      new RegExp(`^error {2}kafka-unreachable\\n {2}.*127\\.0\\.0\\.1:${nobody}.*\\n {2}fix: `, 'm'),
    )
  })
})

describe('--probe', () => {
  const servers = {
    ERRAND_NAMESPACE: 'x',
    ERRAND_KAFKA_BROKERS: '127.0.0.1:1',
    ERRAND_REDIS_URL: 'redis://127.0.0.1:1',
  }

  test('asks the process of this machine, is silent when it is well, and says why when it is not', async () => {
    const server = createServer(({ url }, response) => {
      response.statusCode = url === '/livez' ? 200 : 503
      response.end(url === '/livez' ? 'ok' : 'redis: away')
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const probe = (what: string) => errand(['doctor', '--probe', what, '--http-port', String(port)], servers)
    expect(await probe('live')).toEqual({ exitCode: 0, stdout: '', stderr: '' })
    const ready = await probe('ready')
    expect(ready).toMatchObject({ exitCode: 7, stderr: '' })
    expect(ready.stdout).toMatch(/process-not-ready\n.*503: redis: away\n +fix: /)
    server.close()
    expect((await probe('live')).exitCode).toBe(7)
  })

  test('takes live or ready and nothing else', async () => {
    expect(await errand(['doctor', '--probe', 'dead'], servers)).toMatchObject({ exitCode: 2, stdout: '' })
  })
})
