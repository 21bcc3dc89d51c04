import { expect, test } from 'vitest'
import { infoFacts, redisReach } from './redis-facts.ts'

const INFO = `# Server\r
redis_version:7.2.4\r
# Memory\r
used_memory:1048576\r
maxmemory:0\r
maxmemory_policy:noeviction\r
# Persistence\r
aof_enabled:1\r
aof_last_write_status:ok\r
rdb_last_bgsave_status:ok\r
# Replication\r
role:master\r
# Cluster\r
cluster_enabled:0\r
`

test('INFO of a Redis', () => {
  expect(infoFacts(INFO)).toEqual({
    ...{ server: 'redis', version: '7.2.4', evictionPolicy: 'noeviction', usedBytes: 1_048_576, maxBytes: 0 },
    ...{ isAppendOnly: true, isPersistenceFailing: false, role: 'master', isCluster: false },
  })
})

test.each<[string, string, object]>([
  [
    'Valkey says its own version too',
    'server_name:valkey\r\nvalkey_version:8.1.4',
    { server: 'valkey', version: '8.1.4' },
  ],
  ['a failed write', 'aof_last_write_status:err', { isPersistenceFailing: true }],
  ['a failed snapshot', 'rdb_last_bgsave_status:err', { isPersistenceFailing: true }],
  ['a replica', 'role:slave', { role: 'slave' }],
  ['a node of a cluster', 'cluster_enabled:1', { isCluster: true }],
])('INFO: %s', (_, text, expected) => {
  expect(infoFacts(`${INFO}${text}\r\n`)).toMatchObject(expected)
})

test('what INFO does not tell is left out', () => {
  expect(infoFacts('redis_version:6.2.0\n')).toEqual({ server: 'redis', version: '6.2.0', isPersistenceFailing: false })
})

test('the address is shown without user and password', () => {
  expect(redisReach('rediss://someone:secret@cache:6380/2')).toEqual({
    addresses: ['rediss://cache:6380/2'],
    isEncrypted: true,
  })
})
