// Connections to Redis: one for scripts, one for renewals (which must not wait behind a large batch), one for waking
// waiters. Errors are translated here, once; what Redis must be like is checked here, before anything is written.

import { Redis } from 'ioredis'
import type { RedisOptions } from 'ioredis'
import type { Clock } from '../../core/clock.ts'
import { withDeadline } from '../../core/clock.ts'
import { ErrandError } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { ScriptName } from './script-text.ts'
import { SCRIPTS, scriptText } from './script-text.ts'

/** How Redis is reached. */
export interface RedisSettings {
  /** `redis://[user:password@]host:port[/db]`, or `rediss://` for TLS. */
  readonly url: string
  /** Where the address names none. */
  readonly username?: string | undefined
  /** Where the address names none. */
  readonly password?: string | undefined
  /** Options of `tls.connect`, for `rediss://`. */
  readonly tls?: Readonly<Record<string, unknown>> | undefined
  /** RESP version. @defaultValue 3 */
  readonly protocol?: 2 | 3
  /** Unit: ms. A command that takes longer counts as "outcome unknown". @defaultValue 5_000 */
  readonly commandTimeoutMs?: number
  readonly clock: Clock
  readonly logger: Logger
  /** Told how long each script took, as its caller waited, and why it failed when it did: for figures. Must not throw. */
  readonly onScript?: ((script: ScriptName, ms: number, error: ErrandError | undefined) => void) | undefined
}

/** A connection that is dead does not answer, and is closed without. */
const QUIT_MS_MAX = 1_000
/** States of a server that pass: full, read-only after a failover, without its disk or replicas, loading, busy. Also said inside scripts. */
const PASSING = /(?:^|[-\s])(OOM|READONLY|MISCONF|NOREPLICAS|LOADING|BUSY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN) /

/** A connection with Errand's scripts. */
export class RedisConnection {
  readonly redis: Redis
  readonly #settings: RedisSettings
  #troubleAtMs = Number.NEGATIVE_INFINITY
  #wasReady = false

  constructor(settings: RedisSettings, name: string) {
    this.#settings = settings
    this.redis = new Redis(settings.url, {
      ...credentialsOf(settings),
      lazyConnect: true,
      connectionName: `errand-${name}`,
      protocol: settings.protocol ?? 3,
      replyMapping: 'legacy',
      commandTimeout: settings.commandTimeoutMs ?? 5_000,
      connectTimeout: 5_000,
      // Callers must hear `unavailable` in time; settlements have a loop of their own.
      maxRetriesPerRequest: 2,
      retryStrategy: times => Math.min(50 * 2 ** Math.min(times, 6), 2_000),
      // A node that a failover has demoted keeps its connections and answers READONLY for ever.
      reconnectOnError: error => /(?:^|-)READONLY /.test(error.message),
      // On by default, and Errand's scripts are idempotent under lease and request ids because of it.
      autoResendUnfulfilledCommands: true,
    })
    for (const script of SCRIPTS) this.redis.defineCommand(commandName(script), { lua: scriptText(script) })
    this.redis.on('error', (error: Error) =>
      settings.logger.debug('redis connection error', { name, error: error.message }),
    )
    this.redis.on('close', () => this.#noteTrouble())
    this.redis.on('ready', () => {
      if (this.#wasReady) this.#noteTrouble()
      this.#wasReady = true
    })
  }

  /** Connects; throws `configuration` for a wrong address or password, `unavailable` when nobody answers. */
  async connect(): Promise<void> {
    try {
      await this.redis.connect()
    } catch (error) {
      const cause = await this.#firstError(error)
      this.redis.disconnect()
      throw this.translate(cause, 'connecting')
    }
  }

  /** Runs a script. `keys` all lie in one slot. */
  async run(script: ScriptName, keys: readonly string[], args: readonly (string | number)[]): Promise<string[]> {
    const commands = this.redis as unknown as Record<string, (...args: (string | number)[]) => Promise<unknown>>
    const command = commands[commandName(script)]
    if (command === undefined) throw new ErrandError('internal', `script ${script} is not defined`)
    const { clock, onScript } = this.#settings
    const begunMs = clock.monotonicMs()
    try {
      const reply = (await command.call(this.redis, keys.length, ...keys, ...args)) as string[]
      onScript?.(script, clock.monotonicMs() - begunMs, undefined)
      return reply
    } catch (error) {
      const failure = this.translate(error, script)
      onScript?.(script, clock.monotonicMs() - begunMs, failure)
      throw failure
    }
  }

  /** Runs commands with errors translated. */
  async guard<T>(doing: string, commands: () => Promise<T>): Promise<T> {
    try {
      return await commands()
    } catch (error) {
      throw this.translate(error, doing)
    }
  }

  /** Milliseconds since the connection was last lost, restored or too slow. Infinity: never. */
  sinceTroubleMs(): number {
    return this.#settings.clock.monotonicMs() - this.#troubleAtMs
  }

  async close(): Promise<void> {
    const late = (): Error => new ErrandError('timeout', 'Redis did not answer QUIT')
    await withDeadline(this.#settings.clock, this.redis.quit(), QUIT_MS_MAX, late).catch(() => undefined) // nothing to wait for
    this.redis.disconnect()
  }

  /** An error of ioredis or Redis as one of ours. */
  translate(error: unknown, doing: string): ErrandError {
    const text = error instanceof Error ? error.message : String(error)
    if (error instanceof ErrandError) return error
    const where = safeUrl(this.#settings.url)
    if (
      /WRONGPASS|NOAUTH|NOPERM|invalid username-password|without any password configured|can't run this command|DB index is/i.test(
        text,
      )
    ) {
      return new ErrandError(
        'configuration',
        `Redis at ${where} refused the credentials, the database or a command (${text}). Correct redisUrl.`,
        {
          details: { setting: 'redisUrl', address: where },
          cause: error,
        },
      )
    }
    if (/Command timed out/i.test(text)) this.#noteTrouble()
    if (
      /^(ERR|WRONGTYPE|NOSCRIPT)|Error running script|user_script/.test(text) &&
      !PASSING.test(text) &&
      !text.startsWith('ERR max number of clients')
    ) {
      return new ErrandError('internal', `Redis refused ${doing}: ${text}`, { cause: error })
    }
    return new ErrandError(
      'unavailable',
      `Redis at ${where} did not answer ${doing} (${text}). Check that it runs and that redisUrl is right.`,
      {
        details: { setting: 'redisUrl', address: where },
        cause: error,
      },
    )
  }

  // ioredis rejects connect() with "Connection is closed"; what really happened came as an 'error' event just before.
  async #firstError(error: unknown): Promise<unknown> {
    try {
      await this.redis.ping()
    } catch (pingError) {
      if (pingError instanceof Error && !/closed|max retries/i.test(pingError.message)) return pingError
    }
    return this.#lastError ?? error
  }
  #lastError: Error | undefined
  /** Remembers what the connection said while it was being opened. */
  watchErrors(): this {
    this.redis.on('error', (error: Error) => {
      this.#lastError = error
    })
    return this
  }

  #noteTrouble(): void {
    this.#troubleAtMs = this.#settings.clock.monotonicMs()
  }
}

function commandName(script: ScriptName): string {
  return `errand_${script}`
}

/** The URL without its credentials. */
export function safeUrl(url: string): string {
  try {
    const parsed = new URL(url)
    return `${parsed.protocol}//${parsed.host}${parsed.pathname === '/' ? '' : parsed.pathname}`
  } catch {
    return 'an address that is no URL'
  }
}

/** What the address does not say. ioredis takes these only where the address has none. */
function credentialsOf({
  username,
  password,
  tls,
}: RedisSettings): Pick<RedisOptions, 'username' | 'password' | 'tls'> {
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls === undefined ? {} : { tls: { ...tls } }),
  }
}

/** Checks a Redis URL. Throws `invalid_argument` naming `redisUrl`, and never shows it: a password may stand in it. */
export function checkRedisUrl(value: unknown): string {
  const problem = typeof value === 'string' ? problemOf(value) : `is a ${typeof value}`
  if (typeof value === 'string' && problem === undefined) return value
  throw new ErrandError('invalid_argument', `redisUrl ${problem}; give redis://[user:password@]host:port[/db].`, {
    details: { field: 'redisUrl' },
  })
}

// What ioredis takes without a word, or dies of: a database that is no number ends the process, and whatever stands behind a
// question mark becomes an option of the client.
function problemOf(text: string): string | undefined {
  if (!/^rediss?:\/\/[^\s]+$/.test(text) || !URL.canParse(text)) return 'is not a redis:// or rediss:// URL'
  const { hostname, pathname, search, hash, username, password } = new URL(text)
  if (hostname === '') return 'names no host'
  if (!/^\/?[0-9]{0,9}$/.test(pathname)) return 'names a database that is no number'
  if (search !== '' || hash !== '') return 'has something behind ? or #'
  try {
    decodeURIComponent(username + password)
    return undefined
  } catch {
    return 'has a user or password with a % that is not written as %25'
  }
}

/**
 * Refuses a Redis that evicts: leases, keys and schedules would vanish under memory pressure. And one that lacks the database:
 * ioredis would go on in database 0.
 */
export async function checkServer(connection: RedisConnection): Promise<void> {
  const { db = 0 } = connection.redis.options
  if (db !== 0) await connection.guard('SELECT', () => connection.redis.select(db))
  const info = await connection.guard('INFO', () => connection.redis.info())
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1]
  const version = /^redis_version:(\S+)/m.exec(info)?.[1] ?? '0'
  if (policy !== undefined && policy !== 'noeviction') {
    throw new ErrandError(
      'configuration',
      `Redis has maxmemory-policy ${policy}, which evicts leases and idempotency keys. Set maxmemory-policy to noeviction.`,
      { details: { setting: 'maxmemory-policy', received: policy, allowed: 'noeviction' } },
    )
  }
  if (Number.parseInt(version, 10) < 6) {
    throw new ErrandError('configuration', `Redis is version ${version}; Errand needs 6.2 or later.`, {
      details: { setting: 'redis version', received: version },
    })
  }
}
