import { describe, expect, test } from 'vitest'
import type { Addresses } from './environment.ts'
import { addressesFrom } from './environment.ts'

const GOOD = { ERRAND_KAFKA_BROKERS: 'kafka-1:9092', ERRAND_REDIS_URL: 'redis://:secret@redis:6379/1' }

describe('addresses', () => {
  test.each<[object, Addresses]>([
    [GOOD, { brokers: ['kafka-1:9092'], redisUrl: GOOD.ERRAND_REDIS_URL }],
    [
      { ERRAND_KAFKA_BROKERS: ' a:1, [::1]:2 ', ERRAND_REDIS_URL: ' rediss://h ' },
      { brokers: ['a:1', '[::1]:2'], redisUrl: 'rediss://h' },
    ],
  ])('are read from %j', (env, expected) => expect(addressesFrom({ ...env })).toEqual(expected))

  const wrong: readonly (readonly [keyof typeof GOOD, string | undefined])[] = [
    ...[
      undefined,
      '',
      ' ',
      ',',
      'host',
      'host:',
      ':9092',
      'host:0',
      'host:65536',
      'a:1,,b:2',
      'a:1;b:2',
      'a:1 b:2',
    ].map(value => ['ERRAND_KAFKA_BROKERS', value] as const),
    ...[
      'kafka://user:secret@host:9092',
      'user:secret@host:9092',
      'a:1,user:se@cret@h:1',
      'h\u0000:1',
      'x'.repeat(100_000),
    ].map(value => ['ERRAND_KAFKA_BROKERS', value] as const),
    ...[
      undefined,
      '',
      ' ',
      'redis',
      'redis:6379',
      'http://user:secret@h',
      'redis://:se cret@h',
      'redis://:secret@h:99999',
    ].map(value => ['ERRAND_REDIS_URL', value] as const),
    ...['redis://', 'redis:///0', 'redis://:secret@h/abc', 'redis://h?password=secret', 'redis://:secret%zz@h'].map(
      value => ['ERRAND_REDIS_URL', value] as const,
    ),
  ]
  test.each(wrong)('%s=%j is told by its name, without a secret, in few words', (name, value) => {
    const refused = expect.objectContaining({
      code: 'configuration',
      message: expect.stringMatching(new RegExp(`^\\[configuration\\] ${name}(?!.*(secret|cret)).{1,400}$`)) as string,
      details: { setting: name },
    })
    expect(() => addressesFrom({ ...GOOD, [name]: value })).toThrow(refused)
  })
})
