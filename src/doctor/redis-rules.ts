// Redis as a place for leases: that it keeps what it is told, has room, and is one server that takes writes.

import type { DeploymentFacts, RedisFacts } from '../core/deployment-facts.ts'
import type { Found, Rule } from './finding.ts'
import { listed } from './finding.ts'
import { isRemote } from './reach-rules.ts'

/** The oldest that Errand's scripts run on. */
const VERSION_MIN = '6.2.0'
/** Of the memory that Redis may use. */
const FULL_SHARE = 0.95
const HIGH_SHARE = 0.8
/** The first of each line in which an escape from the Lua sandbox (CVE-2025-49844 and its kin) is mended. */
const MENDED: Readonly<Record<NonNullable<RedisFacts['server']>, readonly string[]>> = {
  redis: ['6.2.20', '7.2.11', '7.4.6', '8.0.4', '8.2.2'],
  valkey: ['7.2.11', '8.0.6', '8.1.4'],
}

/** The server that decides. */
export const REDIS_RULES: readonly Rule[] = [
  {
    id: 'redis-evicts',
    source: 'redis',
    severities: ['error'],
    about: 'Redis throws leases and idempotency keys away when memory is short',
    find: ({ redis }) =>
      about(
        redis,
        redis.evictionPolicy !== undefined && redis.evictionPolicy !== 'noeviction',
        `maxmemory-policy is ${redis.evictionPolicy}: when memory is short, leases and keys vanish.`,
        'Set `maxmemory-policy noeviction` (`redis-cli CONFIG SET maxmemory-policy noeviction`, and in redis.conf).',
      ),
  },
  {
    id: 'redis-old',
    source: 'redis',
    severities: ['error'],
    about: `Redis is older than ${VERSION_MIN.slice(0, 3)}, on which Errand's scripts do not run`,
    find: ({ redis }) =>
      about(
        redis,
        redis.server === 'redis' && redis.version !== undefined && compare(redis.version, VERSION_MIN) < 0,
        `Redis is version ${redis.version}; Errand needs 6.2 or later.`,
        'Upgrade to a maintained Redis, or Valkey 7.2 or later.',
      ),
  },
  {
    id: 'redis-unpatched',
    source: 'redis',
    severities: ['warning', 'note'],
    about:
      'Whoever may run scripts can break out of this version of Redis, CVE-2025-49844 (a note where Redis is on this machine only)',
    find: unpatched,
  },
  {
    id: 'redis-no-persistence',
    source: 'redis',
    severities: ['warning'],
    about: 'Redis writes nothing to its disk: each restart loses all leases, keys and results (no accepted work)',
    find: ({ redis }) =>
      about(
        redis,
        redis.isAppendOnly === false && redis.hasSnapshots === false,
        'appendonly is no and there are no snapshots: a restart of Redis forgets every lease, key and result.',
        'Set `appendonly yes` and `appendfsync everysec`.',
      ),
  },
  {
    id: 'redis-snapshots-only',
    source: 'redis',
    severities: ['note'],
    about: 'Redis writes snapshots alone: a restart takes it back by minutes, and is followed by a restore',
    find: ({ redis }) =>
      about(
        redis,
        redis.isAppendOnly === false && redis.hasSnapshots !== false,
        'appendonly is no: a restart takes Redis back to its last snapshot, if it makes any.',
        'Set `appendonly yes` and `appendfsync everysec`.',
      ),
  },
  {
    id: 'redis-persistence-failing',
    source: 'redis',
    severities: ['error'],
    about: 'The last write of Redis to its disk failed; it may refuse writes, or lose them with a restart',
    find: ({ redis }) =>
      about(
        redis,
        redis.isPersistenceFailing === true,
        'The last write of the append-only file or of a snapshot failed.',
        'Look for a full disk or missing rights in the log of Redis (`redis-cli INFO persistence`).',
      ),
  },
  {
    id: 'redis-memory',
    source: 'redis',
    severities: ['error', 'warning'],
    about: `Redis has used ${HIGH_SHARE * 100} % of its memory (an error from ${FULL_SHARE * 100} %): once it is full, nothing is claimed any more`,
    find: memory,
  },
  {
    id: 'redis-replica',
    source: 'redis',
    severities: ['error'],
    about: 'The address leads to a replica, which takes no writes',
    find: ({ redis }) =>
      about(
        redis,
        redis.role !== undefined && redis.role !== 'master',
        `Redis has the role ${redis.role}: it takes no writes.`,
        'Give the address of the primary in ERRAND_REDIS_URL (`redis-cli INFO replication` names it).',
      ),
  },
  {
    id: 'redis-cluster',
    source: 'redis',
    severities: ['error'],
    about: 'Redis runs in cluster mode, to which this version of Errand does not speak',
    find: ({ redis }) =>
      about(
        redis,
        redis.isCluster === true,
        'cluster_enabled is 1: keys of other nodes are answered with MOVED.',
        'Use a single primary (with replicas, if you like): Errand keeps nothing that waits in Redis, so it stays small.',
      ),
  },
]

function about({ addresses }: RedisFacts, isWrong: boolean, says: string, fix: string): Found[] {
  return isWrong ? [{ subject: listed(addresses), says, fix }] : []
}

function unpatched({ redis }: DeploymentFacts): Found[] {
  const { server, version } = redis
  if (server === undefined || version === undefined) return []
  const line = (text: string): string => text.split('.').slice(0, 2).join('.')
  const mended = MENDED[server].find(each => line(each) === line(version))
  const last = MENDED[server].at(-1) ?? ''
  // A line without a mended version is safe only when it began after the mending.
  const isSafe = mended === undefined ? compare(version, last) > 0 : compare(version, mended) >= 0
  const found = about(
    redis,
    !isSafe,
    `${server === 'redis' ? 'Redis' : 'Valkey'} ${version} lets whoever may run scripts break out of them (CVE-2025-49844).`,
    `Upgrade to ${mended ?? last} or later, and give nobody but Errand a user with scripting rights.`,
  )
  return found.map(one => ({ ...one, severity: isRemote(redis) ? 'warning' : 'note' }))
}

function memory({ redis }: DeploymentFacts): Found[] {
  const { usedBytes, maxBytes = 0 } = redis
  if (usedBytes === undefined || maxBytes === 0 || usedBytes < maxBytes * HIGH_SHARE) return []
  const percent = Math.floor((usedBytes / maxBytes) * 100)
  const found = about(
    redis,
    true,
    `Redis uses ${mebibytes(usedBytes)} of ${mebibytes(maxBytes)} MiB (${percent} %).`,
    'Raise maxmemory, or keep results and markers for less long (ERRAND_RESULT_LIFE, ERRAND_MARKER_LIFE): they are most of it.',
  )
  return found.map(one => ({ ...one, severity: usedBytes >= maxBytes * FULL_SHARE ? 'error' : 'warning' }))
}

function mebibytes(bytes: number): string {
  return (bytes / 1_048_576).toFixed(1)
}

/** Below 0 when the first version is the older one. */
function compare(one: string, other: string): number {
  const [first, second] = [one, other].map(text => text.split('.').map(part => Number.parseInt(part, 10) || 0))
  for (const at of [0, 1, 2]) {
    const difference = (first?.[at] ?? 0) - (second?.[at] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
