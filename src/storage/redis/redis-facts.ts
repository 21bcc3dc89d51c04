// What there is to see of Redis: what it is, what it keeps, what time it has, and whether it runs Errand's scripts for this user.
// Only looks.

import { isErrandError, saidBy } from '../../core/errors.ts'
import type { RedisFacts, Unseen } from '../../core/deployment-facts.ts'
import { reachFailure } from '../../core/reach-failure.ts'
import type { RedisSettings } from './connection.ts'
import { RedisConnection, safeUrl } from './connection.ts'
import { Keys } from './keys.ts'

/** An answer that takes longer is none. Unit: ms. */
const ANSWER_MS_MAX = 3_000

/** What was seen, and what was not. */
export interface RedisLook {
  readonly redis: RedisFacts
  readonly unseen: readonly Unseen[]
}

/** Looks at Redis. Never rejects: what goes wrong is a fact. */
export async function lookAtRedis(settings: RedisSettings & { readonly namespace: string }): Promise<RedisLook> {
  const reach = redisReach(settings.url)
  const connection = new RedisConnection({ commandTimeoutMs: ANSWER_MS_MAX, ...settings }, 'doctor').watchErrors()
  try {
    await connection.connect()
    const { db = 0 } = connection.redis.options
    // ioredis would go on in database 0.
    if (db !== 0) await connection.guard('SELECT', () => connection.redis.select(db))
  } catch (error) {
    connection.redis.disconnect()
    return { redis: { ...reach, failure: reachFailure(error) }, unseen: [] }
  }
  try {
    const look = new Look(connection)
    const info = await look.at('the state of Redis', 'the command INFO', () => connection.redis.info())
    const facts = { ...reach, ...(info === undefined ? {} : infoFacts(info)), ...(await clockFacts(look, settings)) }
    const hasSnapshots = await snapshots(look)
    await scripts(look, settings.namespace)
    return {
      redis: { ...facts, ...(hasSnapshots === undefined ? {} : { hasSnapshots }) },
      unseen: look.unseen,
    }
  } finally {
    await connection.close()
  }
}

/** Where Redis is, and whether anybody can listen. */
export function redisReach(url: string): Pick<RedisFacts, 'addresses' | 'isEncrypted'> {
  return { addresses: [safeUrl(url)], isEncrypted: url.startsWith('rediss:') }
}

/** Looks at one thing after the other, and notes what could not be seen. */
class Look {
  readonly unseen: Unseen[] = []
  readonly connection: RedisConnection

  constructor(connection: RedisConnection) {
    this.connection = connection
  }

  async at<T>(what: string, right: string, ask: () => Promise<T>): Promise<T | undefined> {
    try {
      return await this.connection.guard(what, ask)
    } catch (error) {
      const isDenied = isErrandError(error, 'configuration')
      const says = saidBy(error)
      this.unseen.push({ server: 'redis', what, says, ...(isDenied ? { kind: 'denied', right } : { kind: 'failed' }) })
      return undefined
    }
  }
}

/** What `INFO` tells. */
export function infoFacts(info: string): Partial<RedisFacts> {
  const fields = new Map(
    info.split(/\r?\n/).flatMap(line => {
      const colon = line.indexOf(':')
      return colon < 1 ? [] : [[line.slice(0, colon), line.slice(colon + 1)] as const]
    }),
  )
  const text = (field: string): string | undefined => fields.get(field)
  const number = (field: string): number | undefined => {
    const value = Number(fields.get(field) ?? Number.NaN)
    return Number.isFinite(value) ? value : undefined
  }
  const isValkey = text('server_name') === 'valkey'
  const failing = ['aof_last_write_status', 'aof_last_bgrewrite_status', 'rdb_last_bgsave_status']
  return withoutUndefined({
    server: isValkey ? 'valkey' : 'redis',
    version: isValkey ? text('valkey_version') : text('redis_version'),
    evictionPolicy: text('maxmemory_policy'),
    usedBytes: number('used_memory'),
    maxBytes: number('maxmemory'),
    isAppendOnly: is(text('aof_enabled')),
    isPersistenceFailing: failing.some(field => text(field) === 'err'),
    role: text('role'),
    isCluster: is(text('cluster_enabled')),
  })
}

function is(text: string | undefined): boolean | undefined {
  return text === undefined ? undefined : text === '1'
}

/** Whether a setting is there is what the rules ask; one that is undefined would be there. */
function withoutUndefined(facts: {
  readonly [Name in keyof RedisFacts]?: RedisFacts[Name] | undefined
}): Partial<RedisFacts> {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as Partial<RedisFacts>
}

async function clockFacts(look: Look, { clock }: RedisSettings): Promise<Partial<RedisFacts>> {
  const askedMs = clock.nowMs()
  const time = await look.at('the clock of Redis', 'the command TIME', () => look.connection.redis.time())
  if (time === undefined) return {}
  const withinMs = (clock.nowMs() - askedMs) / 2
  const [seconds, microseconds] = time
  const redisMs = Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000)
  return { aheadMs: Math.round(redisMs - askedMs - withinMs), aheadWithinMs: Math.ceil(withinMs) }
}

/** Managed servers forbid CONFIG; that is no fault of the user's rights. */
async function snapshots({ connection: { redis } }: Look): Promise<boolean | undefined> {
  try {
    const answer = (await redis.config('GET', 'save')) as readonly string[]
    return answer[1] === undefined ? undefined : answer[1] !== ''
  } catch {
    return undefined
  }
}

/** A script of Errand's that only reads, on the namespace's keys: shows whether scripts, TIME in them, and the keys are allowed. */
async function scripts(look: Look, namespace: string): Promise<void> {
  const { leases, grace, generation } = new Keys(namespace)
  const right = `scripts (EVAL, EVALSHA, SCRIPT LOAD) and the keys {${namespace}:*`
  await look.at("Errand's scripts", right, () => look.connection.run('expired', [leases, grace, generation], [1]))
}
