// Kafka behind TLS and SASL, Redis behind TLS with a user: the storage and the command line reach them, work is done, and each
// way of getting it wrong is told by `errand doctor` for what it is.

import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { Client } from '../../src/client/client.ts'
import { defineActivity } from '../../src/client/define-activity.ts'
import { KafkaStorage } from '../../src/storage/kafka/index.ts'
import type { KafkaStorageOptions } from '../../src/storage/kafka/index.ts'
import { Worker } from '../../src/worker/worker.ts'
import { doctor, errand, only, problems } from '../support/doctor-patient.ts'
import { runAlone } from '../support/observed-namespace.ts'
import type { TlsStack } from '../support/tls-stack.ts'
import { openTlsStack } from '../support/tls-stack.ts'

const double = defineActivity({ type: 'double', input: z.number(), output: z.number() })

let stack: TlsStack
beforeAll(async () => {
  stack = await openTlsStack()
})
afterAll(() => stack?.[Symbol.asyncDispose]())

function options(mechanism: 'plain' | 'scram-sha-512'): KafkaStorageOptions {
  const { brokers, redisUrl, user, password } = stack
  const ca = readFileSync(stack.caFile, 'utf8')
  return {
    ...{ namespace: 'shop', brokers, partitions: 1, ssl: { ca: [ca] }, sasl: { mechanism, username: user, password } },
    ...{ redisUrl, redisUsername: user, redisPassword: password, redisTls: { ca } },
  }
}

/** The same for `errand`; the passwords come from a file. */
function env(change: Readonly<Record<string, string | undefined>> = {}): Record<string, string | undefined> {
  return {
    ERRAND_NAMESPACE: 'shop',
    ERRAND_KAFKA_BROKERS: stack.brokers.join(','),
    ERRAND_KAFKA_TLS_CA_FILE: stack.caFile,
    ERRAND_KAFKA_SASL_MECHANISM: 'scram-sha-512',
    ERRAND_KAFKA_SASL_USERNAME: stack.user,
    ERRAND_KAFKA_SASL_PASSWORD_FILE: stack.passwordFile,
    ERRAND_REDIS_URL: stack.redisUrl,
    ERRAND_REDIS_USERNAME: stack.user,
    ERRAND_REDIS_PASSWORD_FILE: stack.passwordFile,
    ERRAND_REDIS_TLS_CA_FILE: stack.caFile,
    ...change,
  }
}

test('topics are made by `errand topics apply`', async () => {
  const args = ['topics', 'apply', '--types', double.type, '--partitions', '1', '--json']
  const { exitCode, stderr } = await errand(args, env())
  expect(exitCode, stderr).toBe(0)
})

test.each(['scram-sha-512', 'plain'] as const)('an activity is enqueued, run and answered with %s', async mechanism => {
  await using storage = await KafkaStorage.open(options(mechanism))
  const worker = new Worker({ storage })
  worker.handle(double, async input => input * 2)
  await worker.start()
  try {
    const handle = await new Client({ storage }).enqueue(double, 21)
    expect(await handle.result({ timeoutMs: 30_000 }), runAlone()).toBe(42)
  } finally {
    await worker.stop()
  }
})

describe('errand doctor', () => {
  test('sees all of it, and finds what the broker itself is told', async () => {
    const diagnosis = await doctor(env())
    expect(problems(diagnosis), JSON.stringify(diagnosis)).toEqual(['offsets-kept'])
    expect(only(diagnosis, 'offsets-kept').says).toContain('offsets.retention.minutes is 60 (1 h)')
    expect(only(diagnosis, 'broker-auto-create').severity).toBe('note')
  })

  test.each<[string, () => Readonly<Record<string, string | undefined>>, readonly string[]]>([
    ['a wrong password at Kafka', () => wrong('KAFKA_SASL'), ['kafka-refused']],
    ['a wrong password at Redis', () => wrong('REDIS'), ['redis-refused']],
    ['a user that Kafka does not know', () => ({ ERRAND_KAFKA_SASL_USERNAME: 'nobody' }), ['kafka-refused']],
    [
      'a mechanism that Kafka does not have',
      () => ({ ERRAND_KAFKA_SASL_MECHANISM: 'scram-sha-256' }),
      ['kafka-refused'],
    ],
    [
      'an authority that did not sign Kafka',
      () => ({ ERRAND_KAFKA_TLS_CA_FILE: stack.otherCaFile }),
      ['kafka-refused'],
    ],
    [
      'an authority that did not sign Redis',
      () => ({ ERRAND_REDIS_TLS_CA_FILE: stack.otherCaFile }),
      ['redis-refused'],
    ],
    ['no TLS to Kafka', () => ({ ERRAND_KAFKA_TLS_CA_FILE: undefined }), ['kafka-unreachable']],
    [
      'no TLS to Redis',
      () => ({ ERRAND_REDIS_TLS_CA_FILE: undefined, ERRAND_REDIS_URL: stack.redisUrl.replace('rediss', 'redis') }),
      ['redis-unreachable'],
    ],
  ])('%s', async (_, change, ids) => {
    const diagnosis = await doctor(env(change()))
    expect(
      problems(diagnosis).filter(id => id !== 'offsets-kept'),
      JSON.stringify(diagnosis),
    ).toEqual(ids)
    expect(JSON.stringify(diagnosis)).not.toContain(stack.password)
    expect(JSON.stringify(diagnosis)).not.toContain('not-the-one')
  })

  function wrong(server: 'KAFKA_SASL' | 'REDIS'): Record<string, string | undefined> {
    return { [`ERRAND_${server}_PASSWORD_FILE`]: undefined, [`ERRAND_${server}_PASSWORD`]: 'not-the-one' }
  }

  test('a user who may do nothing: each right that is missing is named, those that only looking needs as notes', async () => {
    const diagnosis = await doctor(env({ ERRAND_KAFKA_SASL_USERNAME: stack.stranger }), ['--types', double.type])
    const denied = diagnosis.findings.filter(({ id }) => id === 'kafka-rights')
    expect(
      new Set(problems(diagnosis)),
      JSON.stringify(diagnosis.findings.filter(({ id }) => id !== 'kafka-rights')),
    ).toEqual(new Set(['kafka-rights']))
    const fixes = denied.map(({ severity, fix }) => `${severity} ${fix}`).join('\n')
    expect(fixes).toContain('Describe and DescribeConfigs on topic shop.double.high')
    expect(fixes).toContain('Describe on group shop.double.workers')
    expect(fixes).toMatch(/^note .*DescribeConfigs on the cluster/m)
    expect(diagnosis.exitCode).toBe(7)
  })
})
