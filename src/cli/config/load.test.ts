import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isErrandError } from '../../core/errors.ts'
import type { ConfigSources } from './load.ts'
import { loadConfig, masked } from './load.ts'
import { SETTINGS } from './settings.ts'
import { REQUIRED_TO_CONNECT } from './storage-options.ts'

let folder = ''
const file = (content: unknown): string => {
  const path = join(folder, 'errand.json')
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'errand-config-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const load = (
  { env = {}, flags = new Map<string, unknown>(), ...rest }: Partial<ConfigSources> = {},
  required: readonly string[] = [],
): ReturnType<typeof loadConfig> => loadConfig({ env, flags, ...rest }, required)

/** Every problem that a load is refused with. */
function problems(load_: () => unknown): readonly string[] {
  try {
    load_()
  } catch (error) {
    if (isErrandError(error, 'invalid_argument')) return error.details['problems'] as string[]
    throw error
  }
  return []
}

describe('loadConfig', () => {
  test('has a default for all that need not be given', () => {
    const { config, origins } = load()
    expect(config).toMatchObject({
      kafka: { client_id: 'errand', tls: false },
      topics: { partitions: 4 },
      retention: { marker: 3_600_000, result: 86_400_000, key: 86_400_000 },
      worker: { concurrency: 50, lease: 15_000, grace: 25_000, reaper: true },
      http: { host: '127.0.0.1', port: 9464 },
      log: { level: 'info' },
    })
    expect(config.namespace).toBeUndefined()
    expect([...origins.values()].every(({ kind }) => kind === 'default')).toBe(true)
  })

  test('takes a flag before a variable before the file before the default, and says which', () => {
    const path = file({ namespace: 'file', worker: { concurrency: 1, lease: '1s', grace: '1s' } })
    const { config, origins } = load({
      file: path,
      env: { ERRAND_WORKER_CONCURRENCY: '2', ERRAND_WORKER_LEASE: '2s' },
      flags: new Map([['worker.concurrency', '3']]),
    })
    expect(config.worker).toMatchObject({ concurrency: 3, lease: 2_000, grace: 1_000 })
    expect(origins.get('worker.concurrency')).toEqual({ kind: 'flag', where: '--concurrency' })
    expect(origins.get('worker.lease')).toEqual({ kind: 'environment', where: 'ERRAND_WORKER_LEASE' })
    expect(origins.get('worker.grace')).toEqual({ kind: 'file', where: path })
    expect(origins.get('worker.reaper')).toEqual({ kind: 'default' })
  })

  test('takes numbers, booleans and lists of a file as they are, and as text', () => {
    const path = file({ kafka: { brokers: ['a:1', 'b:2'], tls: true }, http: { port: 0 }, topics: { partitions: '7' } })
    const { config } = load({ file: path, env: { ERRAND_REDIS_URL: 'redis://r' } })
    expect(config).toMatchObject({
      kafka: { brokers: ['a:1', 'b:2'], tls: true },
      http: { port: 0 },
      topics: { partitions: 7 },
    })
    expect(load({ env: { ERRAND_KAFKA_BROKERS: ' a:1 , b:2' } }).config.kafka.brokers).toEqual(['a:1', 'b:2'])
    expect(load({ env: { ERRAND_HTTP_PORT: 'off' } }).config.http.port).toBe(-1)
  })

  test('lays a profile over the rest of the file', () => {
    const path = file({ namespace: 'base', log: { level: 'warn' }, profiles: { staging: { namespace: 'staging' } } })
    expect(load({ file: path }).config.namespace).toBe('base')
    expect(load({ file: path, profile: 'staging' }).config).toMatchObject({
      namespace: 'staging',
      log: { level: 'warn' },
    })
    expect(load({ env: { ERRAND_CONFIG: path, ERRAND_PROFILE: 'staging' } }).config.namespace).toBe('staging')
    expect(problems(() => load({ file: path, profile: 'prod' }))[0]).toMatch(/has no profile "prod"; it has: staging/)
  })

  test('tells everything that is wrong at once, each with where it came from', () => {
    const path = file({ kafka: { broker: 'x' }, worker: { concurrency: 0 }, surplus: 1 })
    const said = problems(() =>
      load(
        {
          file: path,
          env: { ERRAND_KAFKA_TLS: 'maybe', ERRAND_WORKER_LEASE: '15' },
          flags: new Map([['log.level', 'loud']]),
        },
        REQUIRED_TO_CONNECT,
      ),
    )
    const all = said.join('\n')
    expect(all).toContain('there is no setting "kafka.broker"')
    expect(all).toContain('there is no setting "surplus"')
    expect(all).toContain(`worker.concurrency (${path}) is 0; it must be at least 1.`)
    expect(all).toContain('kafka.tls (ERRAND_KAFKA_TLS) is "maybe"; it must be true or false.')
    expect(all).toContain('worker.lease (ERRAND_WORKER_LEASE) is "15"; it must be a whole number with a unit')
    expect(all).toContain('log.level (--log-level) is "loud"; it must be one of debug, info, warn, error.')
    expect(all).toContain('namespace must be given: --namespace or ERRAND_NAMESPACE.')
    expect(all).toContain('kafka.brokers must be given')
    expect(all).toContain('redis.url must be given')
  })

  test.each([
    ['what is no JSON', '{', /cannot be read as JSON/],
    ['what is no object', '[]', /must hold a JSON object/],
    ['a section that is no object', { worker: 3 }, /worker/],
  ])('refuses a file with %s', (_, content, says) => {
    expect(problems(() => load({ file: file(content) })).join()).toMatch(says)
  })

  test('refuses a file that is not there', () => {
    expect(problems(() => load({ file: join(folder, 'none.json') })).join()).toMatch(/none\.json cannot be read/)
  })

  test('never shows a secret, also not one in an address', () => {
    const env = { ERRAND_KAFKA_SASL_PASSWORD: '', ERRAND_REDIS_PASSWORD: 'hunter2' }
    expect(masked('redis.password', 'hunter2')).toBe('***')
    const addresses = [
      ['redis://user:hunter2@host:1/0', 'redis://***@host:1/0'],
      ['redis://joe:p@ssw0rd@h', 'redis://***@h'],
      ['redis://joe:12/ter2@h', 'redis://***@h'],
      ['redis://joe:hun/ter2@h', '***'],
      ['redis://h/0?password=hunter2', 'redis://h/0'],
      ['redis://h/0?password=hun@ter2', 'redis://***'],
      ['redis://joe:12#ter2@h', 'redis://***'],
      ['joe:hunter2@h', '***'],
      ['redis://h:6379', 'redis://h:6379'],
    ]
    expect(addresses.map(([given]) => masked('redis.url', given))).toEqual(addresses.map(([, shown]) => shown))
    expect(masked('redis.url', ['redis://joe:hunter2@h'])).toBe('***')
    expect(masked('kafka.brokers', ['kafka://joe:p@ss@h:1', 'k:2'])).toEqual(['kafka://***@h:1', 'k:2'])
    expect(masked('worker.import', 'file:///app/@shop/worker.ts')).toBe('file:///app/@shop/worker.ts')
    const path = file({ redis: { password: 7 } })
    expect(problems(() => load({ file: path })).join()).not.toContain('7;')
    expect(load({ env }).config.redis.password).toBe('hunter2')
  })

  test('names variables that look like its own and are not', () => {
    expect(load({ env: { ERRAND_KAFKA_BROKER: 'x', OTHER: 'y', ERRAND_PROFILE: '' } }).unknownVariables).toEqual([
      'ERRAND_KAFKA_BROKER',
    ])
  })
})

test('every setting has a variable of its own, and secrets have no flag', () => {
  const variables = SETTINGS.map(({ env }) => env)
  expect(new Set(variables).size).toBe(variables.length)
  const flags = SETTINGS.flatMap(({ flag }) => (flag === undefined ? [] : [flag]))
  expect(new Set(flags).size).toBe(flags.length)
  for (const { name, env, secret, flag } of SETTINGS) {
    expect(env).toMatch(/^ERRAND_[A-Z][A-Z0-9_]*$/)
    if (secret === true) expect(flag, name).toBeUndefined()
  }
})
