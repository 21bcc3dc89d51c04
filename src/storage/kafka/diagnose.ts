// Looks at a deployment for whoever judges it: Kafka, Redis, clocks and settings. Writes nothing and makes no topic. Either side
// may be away, and what takes too long is left out: the facts say what could not be seen, and why.

import { withDeadline } from '../../core/clock.ts'
import type { DeploymentFacts, SettingFacts } from '../../core/deployment-facts.ts'
import { ErrandError } from '../../core/errors.ts'
import { checkType } from '../../core/names.ts'
import { OptionCheck } from '../../core/option-check.ts'
import { lookAtRedis, redisReach } from '../redis/redis-facts.ts'
import type { RedisLook } from '../redis/redis-facts.ts'
import { KafkaLook } from './kafka-look.ts'
import type { KafkaStorageOptions, ResolvedKafkaStorageOptions } from './kafka-storage-options.ts'
import { resolveKafkaStorageOptions } from './kafka-storage-options.ts'

/** Options of {@link gatherFacts}. */
export interface GatherOptions extends KafkaStorageOptions {
  /** Types whose topics and groups are looked at. @defaultValue those that have topics in the namespace */
  readonly types?: readonly string[]
  /** As the workers have it. Unit: ms. @defaultValue 15_000 */
  readonly leaseMs?: number
  /** As the workers have it. Unit: ms. @defaultValue 25_000 */
  readonly graceMs?: number
  /** All of it takes no longer; what is not seen by then is left out. Range: 1,000 to 300,000 ms. @defaultValue 30_000 */
  readonly deadlineMs?: number
}

/**
 * Looks at everything that `errand doctor` judges. Throws `invalid_argument` for options that cannot be; all else is a fact,
 * also that nobody answers.
 *
 * @example
 * const facts = await gatherFacts({ namespace: 'shop', brokers: ['localhost:9092'], redisUrl: 'redis://localhost:6379' })
 */
export async function gatherFacts(given: GatherOptions): Promise<DeploymentFacts> {
  const { types, leaseMs = 15_000, graceMs = 25_000, deadlineMs = 30_000, ...storage } = given
  const options = resolveKafkaStorageOptions({ ...storage, provision: false })
  const check = new OptionCheck('GatherOptions', {}, [])
  const untilMs = options.clock.monotonicMs() + check.integer('deadlineMs', deadlineMs, 1_000, 300_000)
  for (const type of types ?? []) check.value('', () => checkType(type))
  check.throwIfAny()
  const kafkaLook = new KafkaLook(options, untilMs)
  const [seen, { redis, unseen }] = await Promise.all([kafkaLook.look(types), redisInTime(options, deadlineMs)])
  return {
    namespace: options.namespace,
    types: seen.types,
    settings: { ...settingFacts(options), leaseMs, graceMs, ...partitionsOf(storage) },
    kafka: seen.kafka,
    redis,
    unseen: [...seen.unseen, ...unseen],
  }
}

async function redisInTime(options: ResolvedKafkaStorageOptions, deadlineMs: number): Promise<RedisLook> {
  const { namespace, redisUrl: url, clock, logger } = options
  const { redisUsername: username, redisPassword: password, redisTls: tls, redisProtocol: protocol } = options
  const says = `Redis took longer than the ${deadlineMs} ms that there were.`
  const late = (): Error => new ErrandError('timeout', says)
  const look = lookAtRedis({ namespace, url, username, password, tls, protocol, clock, logger })
  try {
    return await withDeadline(clock, look, deadlineMs, late)
  } catch {
    // Nothing else rejects: what goes wrong is a fact.
    return { redis: { ...redisReach(url), failure: { kind: 'unreachable', says } }, unseen: [] }
  }
}

function settingFacts(options: ResolvedKafkaStorageOptions): Omit<SettingFacts, 'leaseMs' | 'graceMs'> {
  const { sessionTimeoutMs, rehomeAfterMs, retention } = options
  return { sessionTimeoutMs, rehomeAfterMs, ...retention }
}

/** The default is for topics that are made, and nobody has asked for it of those that are there. */
function partitionsOf({ partitions }: KafkaStorageOptions): Pick<SettingFacts, 'partitions'> {
  return partitions === undefined ? {} : { partitions }
}
