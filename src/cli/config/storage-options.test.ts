import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { silentLogger } from '../../core/logger.ts'
import { loadConfig } from './load.ts'
import { storageOptions } from './storage-options.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'errand-secrets-'))
  writeFileSync(join(folder, 'password'), 'hunter2\n')
  writeFileSync(join(folder, 'ca.pem'), 'CA')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const SERVERS = { ERRAND_NAMESPACE: 'shop', ERRAND_KAFKA_BROKERS: 'k:1', ERRAND_REDIS_URL: 'rediss://r:1' }

function options(env: Readonly<Record<string, string>>): ReturnType<typeof storageOptions> {
  const { config } = loadConfig({ env: { ...SERVERS, ...env }, flags: new Map() })
  return storageOptions(config, silentLogger, true)
}

describe('storageOptions', () => {
  test('without security: addresses, and what was not said is left out', () => {
    const given = options({})
    expect(given).toMatchObject({
      namespace: 'shop',
      brokers: ['k:1'],
      redisUrl: 'rediss://r:1',
      provision: true,
      partitions: 4,
    })
    for (const name of ['ssl', 'sasl', 'redisPassword', 'redisTls', 'replicationFactor'])
      expect(given).not.toHaveProperty(name)
  })

  test('reads secrets and authorities from files, without the line break at their end', () => {
    const given = options({
      ERRAND_KAFKA_SASL_MECHANISM: 'scram-sha-512',
      ERRAND_KAFKA_SASL_USERNAME: 'errand',
      ERRAND_KAFKA_SASL_PASSWORD_FILE: join(folder, 'password'),
      ERRAND_KAFKA_TLS_CA_FILE: join(folder, 'ca.pem'),
      ERRAND_REDIS_USERNAME: 'errand',
      ERRAND_REDIS_PASSWORD_FILE: join(folder, 'password'),
      ERRAND_REDIS_TLS_CA_FILE: join(folder, 'ca.pem'),
    })
    expect(given.sasl).toEqual({ mechanism: 'scram-sha-512', username: 'errand', password: 'hunter2' })
    expect(given.ssl).toEqual({ ca: ['CA'] })
    expect(given).toMatchObject({ redisUsername: 'errand', redisPassword: 'hunter2', redisTls: { ca: 'CA' } })
  })

  test('TLS alone takes the system’s authorities', () => {
    expect(options({ ERRAND_KAFKA_TLS: 'true' }).ssl).toBe(true)
  })

  test('a setting for provisioning wins over the command', () => {
    expect(options({ ERRAND_TOPICS_PROVISION: 'false' }).provision).toBe(false)
  })

  test.each([
    [{ ERRAND_KAFKA_SASL_USERNAME: 'errand' }, /kafka\.sasl_mechanism and kafka\.sasl_password .* must be given too/],
    [{ ERRAND_KAFKA_TLS_KEY_FILE: 'key' }, /key.*cannot be read/],
    [{ ERRAND_REDIS_PASSWORD: 'a', ERRAND_REDIS_PASSWORD_FILE: 'b' }, /both given/],
    [{ ERRAND_REDIS_PASSWORD_FILE: '/nowhere/at-all' }, /redis\.password_file: \/nowhere\/at-all cannot be read/],
  ])('%j is refused', (env, says) => {
    expect(() => options(env as Record<string, string>)).toThrow(says)
  })

  test('a certificate needs its key', () => {
    expect(() => options({ ERRAND_KAFKA_TLS_CERT_FILE: join(folder, 'ca.pem') })).toThrow(
      /kafka\.tls_key_file is missing/,
    )
  })
})
