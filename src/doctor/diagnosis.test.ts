// Every rule has to fire on what it is there for, and be silent where all is well.

import { describe, expect, test } from 'vitest'
import type {
  DeploymentFacts,
  FrontierFact,
  GroupFact,
  KafkaFacts,
  RedisFacts,
  SettingFacts,
  TopicFact,
  Unseen,
} from '../core/deployment-facts.ts'
import { diagnose, RULES, verdictOf } from './diagnosis.ts'
import type { Severity } from './finding.ts'

const HOUR_MS = 3_600_000
const LANE = { 'cleanup.policy': 'delete', 'retention.ms': '-1', 'retention.bytes': '-1' }
const DELAY = {
  'cleanup.policy': 'compact',
  'min.cleanable.dirty.ratio': '0.1',
  'segment.ms': '3600000',
  'delete.retention.ms': '3600000',
}
const HISTORY = { 'cleanup.policy': 'delete', 'retention.ms': '604800000', 'retention.bytes': '-1' }
const EVERY = {
  'compression.type': 'uncompressed',
  'max.message.bytes': '1310720',
  'message.timestamp.type': 'CreateTime',
}
const BROKER = { 'unclean.leader.election.enable': 'false', 'min.insync.replicas': '2' }

function topic(
  name: string,
  role: TopicFact['role'],
  wanted: Readonly<Record<string, string>>,
  type?: string,
): TopicFact {
  const all = { ...EVERY, ...wanted }
  const partitions = [0, 1].map(partition => ({ partition, leader: 1, replicas: 3, inSync: 3 }))
  const settings = { ...all, ...BROKER }
  const base = { topic: `shop.${name}`, role, wanted: all, isThere: true, partitions, settings }
  return type === undefined ? base : { ...base, type }
}

const TOPICS: readonly TopicFact[] = [
  ...['critical', 'high', 'normal', 'low'].map(lane => topic(`mail.${lane}`, 'lane', LANE, 'mail')),
  topic('delay', 'delay', DELAY),
  topic('outcomes', 'outcomes', HISTORY),
  topic('dlq', 'dlq', { ...HISTORY, 'retention.ms': '2592000000' }),
]
const WORKERS: GroupFact = { groupId: 'shop.mail.workers', type: 'mail', state: 'Stable', members: 2, isStuck: false }
const SCHEDULER: GroupFact = { groupId: 'shop.scheduler', state: 'Stable', members: 1, isStuck: false }
const FRONTIER: FrontierFact = {
  ...{ groupId: WORKERS.groupId, topic: 'shop.mail.high', partition: 1 },
  ...{ low: 10, high: 20, committed: 20, finishedAhead: 0, standsStill: false },
}
const SETTINGS: SettingFacts = {
  ...{ leaseMs: 15_000, sessionTimeoutMs: 10_000, graceMs: 25_000, rehomeAfterMs: 300_000 },
  ...{ markerMs: HOUR_MS, resultMs: 24 * HOUR_MS, keyMs: 24 * HOUR_MS },
}
const PROTOCOL = [{ name: 'Produce', client: { min: 3, max: 7 }, broker: { min: 0, max: 13 } }]
const KAFKA: KafkaFacts = {
  ...{ addresses: ['127.0.0.1:9092'], isEncrypted: false, stillMs: 360_000 },
  ...{ brokers: [1, 2, 3], protocol: PROTOCOL, release: '4.1' },
  brokerSettings: new Map([
    [1, { 'auto.create.topics.enable': 'false', 'offsets.retention.minutes': '10080' }],
    [2, { 'auto.create.topics.enable': 'false', 'offsets.retention.minutes': '10080' }],
  ]),
  ...{ topics: TOPICS, groups: [WORKERS, SCHEDULER], frontiers: [FRONTIER] },
}
const REDIS: RedisFacts = {
  ...{ addresses: ['redis://localhost:6379'], isEncrypted: false, server: 'redis', version: '8.2.2' },
  ...{ evictionPolicy: 'noeviction', usedBytes: 70, maxBytes: 100, isAppendOnly: true, hasSnapshots: false },
  ...{ isPersistenceFailing: false, role: 'master', isCluster: false, aheadMs: 4_000, aheadWithinMs: 10 },
}
const UNTOLD: Unseen = { server: 'kafka', kind: 'untold', what: 'the clocks of the brokers', says: 'nobody can ask' }
const WELL: DeploymentFacts = {
  ...{ namespace: 'shop', types: ['mail'], settings: SETTINGS, kafka: KAFKA, redis: REDIS, unseen: [UNTOLD] },
}

const kafka = (change: Partial<KafkaFacts>): DeploymentFacts => ({ ...WELL, kafka: { ...KAFKA, ...change } })
const redis = (change: Partial<RedisFacts>): DeploymentFacts => ({ ...WELL, redis: { ...REDIS, ...change } })
const settings = (change: Partial<SettingFacts>): DeploymentFacts => ({ ...WELL, settings: { ...SETTINGS, ...change } })
const unseen = (one: Partial<Unseen>): DeploymentFacts => ({ ...WELL, unseen: [{ ...UNTOLD, ...one }] })
const broker = (change: Readonly<Record<string, string>>): DeploymentFacts =>
  kafka({ brokerSettings: new Map([[1, change]]) })
const frontier = (change: Partial<FrontierFact>, members = 2): DeploymentFacts =>
  kafka({ frontiers: [{ ...FRONTIER, ...change }], groups: [{ ...WORKERS, members, state: 'Stable' }, SCHEDULER] })
const topics = (is: (fact: TopicFact) => boolean, change: (fact: TopicFact) => Partial<TopicFact>): DeploymentFacts =>
  kafka({ topics: TOPICS.map(fact => (is(fact) ? { ...fact, ...change(fact) } : fact)) })
/** The topics of a role, or the one whose name ends so, with another setting. */
const setting = (which: string, change: Readonly<Record<string, string>>): DeploymentFacts =>
  topics(
    ({ role, topic: name }) => role === which || name.endsWith(which),
    fact => ({ settings: { ...fact.settings, ...change } }),
  )
const partitions = (replicas: number, inSync: number, minInSync: string): DeploymentFacts =>
  topics(
    () => true,
    fact => ({
      partitions: [{ partition: 0, leader: 1, replicas, inSync }],
      settings: { ...fact.settings, 'min.insync.replicas': minInSync },
    }),
  )
const withBrokers = (facts: DeploymentFacts, brokers: readonly number[]): DeploymentFacts => ({
  ...facts,
  kafka: { ...facts.kafka, brokers },
})
const failure = (kind: 'unreachable' | 'refused'): Pick<KafkaFacts, 'failure'> => ({ failure: { kind, says: 'no.' } })

/** Rule, how bad, the facts, what its sentence must hold, what its fix must hold. */
type Row = readonly [string, Severity, DeploymentFacts, string, string]

const ROWS: readonly Row[] = [
  ['kafka-unreachable', 'error', kafka(failure('unreachable')), 'no.', 'ERRAND_KAFKA_BROKERS'],
  ['kafka-refused', 'error', kafka(failure('refused')), 'no.', 'ERRAND_KAFKA_SASL_PASSWORD'],
  ['kafka-plain-text', 'warning', kafka({ addresses: ['127.0.0.1:1', 'kafka-1:9092'] }), 'kafka-1:9092', 'TLS'],
  ['kafka-rights', 'error', unseen({ kind: 'denied', right: 'Describe on group g' }), 'clocks', 'Describe on group g'],
  ['kafka-rights', 'note', unseen({ kind: 'denied', right: 'X', isNeeded: false }), 'clocks', 'X'],
  ['redis-unreachable', 'error', redis(failure('unreachable')), 'no.', 'ERRAND_REDIS_URL'],
  ['redis-refused', 'error', redis(failure('refused')), 'no.', 'ERRAND_REDIS_PASSWORD'],
  ['redis-plain-text', 'warning', redis({ addresses: ['redis://cache:6379'] }), 'redis://cache:6379', 'rediss://'],
  ['redis-rights', 'error', unseen({ server: 'redis', kind: 'denied', right: 'EVAL' }), 'clocks', 'EVAL'],
  ['not-seen', 'warning', unseen({ kind: 'failed' }), 'nobody can ask', 'again'],
  ['broker-too-old', 'error', kafka({ release: '2.3' }), '2.3', '2.4'],
  [
    'broker-too-old',
    'error',
    kafka({ protocol: [{ name: 'CreateTopics', client: { min: 0, max: 3 } }] }),
    'none',
    '2.4',
  ],
  [
    'broker-too-new',
    'error',
    kafka({ protocol: [{ name: 'Produce', client: { min: 3, max: 7 }, broker: { min: 8, max: 20 } }] }),
    'versions 3 to 7, the broker 8 to 20',
    'Kafka 4.4',
  ],
  ['broker-unknown', 'note', withoutRelease(), 'no release', 'Nothing'],
  ['broker-auto-create', 'note', broker({ 'auto.create.topics.enable': 'true' }), 'broker 1', 'server.properties'],
  ['offsets-kept', 'warning', broker({ 'offsets.retention.minutes': '1440' }), '1 d', '10080'],
  [
    'offsets-kept',
    'note',
    kafka({ groups: [{ ...WORKERS, members: 0, state: 'Empty' }, SCHEDULER] }),
    'shop.mail.workers',
    'Start a worker',
  ],
  [
    'topic-missing',
    'error',
    topics(
      ({ topic: name }) => name.endsWith('low'),
      () => ({ isThere: false }),
    ),
    'shop.mail.low',
    'errand topics apply --namespace shop --types mail',
  ],
  ['types-unknown', 'note', { ...kafka({ topics: [], groups: [], frontiers: [] }), types: [] }, 'shop', '--types'],
  [
    'lane-partitions-differ',
    'warning',
    topics(
      ({ topic: name }) => name.endsWith('high'),
      ({ partitions: all = [] }) => ({ partitions: all.slice(1) }),
    ),
    'shop.mail.high 1',
    '--types mail --add-partitions',
  ],
  ['topic-partitions-few', 'warning', settings({ partitions: 3 }), 'topics.partitions is 3', '--add-partitions'],
  ['lane-cleanup', 'error', setting('.normal', { 'cleanup.policy': 'compact' }), 'compact', 'errand topics apply'],
  ['lane-retention', 'error', setting('lane', { 'retention.ms': '604800000' }), 'retention.ms is 604800000', 'apply'],
  ['lane-retention', 'error', setting('lane', { 'retention.bytes': '5' }), 'retention.bytes is 5', 'apply'],
  [
    'delay-not-compacted',
    'error',
    setting('delay', { 'cleanup.policy': 'delete' }),
    'is delete on shop.delay',
    'apply',
  ],
  ['delay-compaction-slow', 'warning', setting('delay', { 'segment.ms': '604800000' }), 'segment.ms', 'apply'],
  ['history-compacted', 'error', setting('dlq', { 'cleanup.policy': 'compact' }), 'shop.dlq', 'apply'],
  [
    'outcomes-retention',
    'error',
    setting('outcomes', { 'retention.ms': '3600000' }),
    '(1 h) on shop.outcomes',
    'apply',
  ],
  ['outcomes-retention', 'error', setting('outcomes', { 'retention.bytes': '9' }), 'retention.bytes is 9', 'apply'],
  ['outcomes-retention', 'error', settings({ resultMs: 8 * 24 * HOUR_MS }), 'needs 8 d', 'retention.ms=691200000'],
  ['dead-letter-retention', 'warning', setting('dlq', { 'retention.ms': '86400000' }), 'shop.dlq', 'apply'],
  ['topic-message-size', 'error', setting('lane', { 'max.message.bytes': '1048588' }), '1048588', 'apply'],
  ['topic-compression', 'error', setting('.low', { 'compression.type': 'zstd' }), 'is zstd on shop.mail.low', 'apply'],
  ['topic-time', 'warning', setting('outcomes', { 'message.timestamp.type': 'LogAppendTime' }), 'LogAppend', 'apply'],
  [
    'unclean-election',
    'error',
    setting('lane', { 'unclean.leader.election.enable': 'true' }),
    'unclean.leader.election.enable is true',
    '--delete-config',
  ],
  ['replication-low', 'warning', partitions(2, 2, '1'), '2 copies on 3 brokers', 'kafka-reassign-partitions'],
  ['replication-low', 'note', withBrokers(partitions(1, 1, '1'), [1]), '1 copy on 1 broker', 'development'],
  ['min-insync-low', 'warning', partitions(3, 3, '1'), 'min.insync.replicas is 1 with 3', '--min-insync-replicas 2'],
  ['min-insync-strict', 'warning', partitions(3, 3, '3'), 'is 3 with 3 copies', '--min-insync-replicas 2'],
  ['min-insync-impossible', 'error', partitions(1, 1, '2'), 'is 2 with 1 copy', '--min-insync-replicas 1'],
  [
    'partition-leaderless',
    'error',
    topics(
      ({ role }) => role === 'delay',
      () => ({ partitions: [{ partition: 7, replicas: 3, inSync: 0 }] }),
    ),
    'shop.delay/7',
    'kafka-topics.sh',
  ],
  ['partition-behind', 'warning', partitions(3, 2, '2'), 'shop.mail.high/0', 'kafka-topics.sh'],
  ['work-without-workers', 'error', frontier({ committed: 12 }, 0), '8 records of mail', 'errand worker'],
  [
    'schedule-without-readers',
    'warning',
    kafka({
      groups: [WORKERS, { ...SCHEDULER, members: 0 }],
      frontiers: [{ ...FRONTIER, groupId: SCHEDULER.groupId, topic: 'shop.delay', committed: 19 }],
    }),
    '1 record of the delay topic',
    'errand reaper',
  ],
  [
    'group-stuck',
    'error',
    kafka({ groups: [{ ...WORKERS, state: 'PreparingRebalance', isStuck: true }, SCHEDULER] }),
    'PreparingRebalance, 2 members',
    'rollout',
  ],
  [
    'frontier-stands',
    'warning',
    frontier({ committed: 12, finishedAhead: 3, standsStill: true }),
    'shop.mail.high/1 at 12',
    'errand list --type mail',
  ],
  ['offset-beyond-end', 'error', frontier({ committed: 21 }), 'the partition ends at 20', '--to-offset 10'],
  ['offset-below-start', 'error', frontier({ committed: 9 }), 'the partition begins at 10', '--to-offset 10'],
  ['offset-never-committed', 'note', frontier({ committed: -1, low: 20 }, 0), 'mail.workers', '--types mail'],
  ['redis-evicts', 'error', redis({ evictionPolicy: 'allkeys-lru' }), 'allkeys-lru', 'noeviction'],
  ['redis-old', 'error', redis({ version: '6.0.16' }), '6.0.16', 'Upgrade'],
  ['redis-unpatched', 'note', redis({ version: '7.4.5' }), '7.4.5', '7.4.6'],
  [
    'redis-unpatched',
    'warning',
    redis({ server: 'valkey', version: '8.1.3', addresses: ['rediss://cache:6379'], isEncrypted: true }),
    'Valkey 8.1.3',
    '8.1.4',
  ],
  ['redis-no-persistence', 'warning', redis({ isAppendOnly: false }), 'appendonly is no', 'appendonly yes'],
  ['redis-snapshots-only', 'note', redis({ isAppendOnly: false, hasSnapshots: true }), 'snapshot', 'appendonly yes'],
  ['redis-persistence-failing', 'error', redis({ isPersistenceFailing: true }), 'failed', 'disk'],
  ['redis-memory', 'warning', redis({ usedBytes: 80 }), '80 %', 'maxmemory'],
  ['redis-memory', 'error', redis({ usedBytes: 95 }), '95 %', 'maxmemory'],
  ['redis-replica', 'error', redis({ role: 'slave' }), 'slave', 'primary'],
  ['redis-cluster', 'error', redis({ isCluster: true }), 'MOVED', 'single primary'],
  ['clock-off', 'warning', redis({ aheadMs: 5_011 }), '5.0 s behind', 'NTP'],
  ['clock-off', 'warning', redis({ aheadMs: -3_600_000 }), '3600.0 s ahead of', 'NTP'],
  ['lease-below-session', 'error', settings({ leaseMs: 10_000 }), '10 s', 'ERRAND_WORKER_LEASE'],
  [
    'grace-beyond-pod',
    'note',
    settings({ graceMs: 45_000 }),
    '45 s',
    'terminationGracePeriodSeconds of the pods to 55',
  ],
  ['marker-life-short', 'warning', settings({ markerMs: 599_999 }), '599,999 ms', '10 min'],
]

function withoutRelease(): DeploymentFacts {
  const { release: _, ...rest } = KAFKA
  return { ...WELL, kafka: rest }
}

describe('rules', () => {
  test('are all silent where all is well', () => {
    expect(diagnose(WELL)).toEqual([])
    expect(verdictOf([])).toBe('well')
  })

  test.each(ROWS)('%s (%s) is found, with what was seen and how to mend it', (id, severity, facts, says, fix) => {
    const found = diagnose(facts).filter(one => one.id === id)
    expect(found.map(one => one.severity)).toEqual(Array.from(found, () => severity))
    expect(found.map(one => one.says).join('\n')).toContain(says)
    expect(found.map(one => one.fix).join('\n')).toContain(fix)
    expect(found.every(one => one.subject.trim() !== '')).toBe(true)
  })

  test('all have a row here, with each of their severities', () => {
    const said = RULES.flatMap(({ id, severities }) => severities.map(severity => `${id} ${severity}`))
    expect([...new Set(ROWS.map(([id, severity]) => `${id} ${severity}`))].toSorted()).toEqual(said.toSorted())
  })

  test('have ids of their own, of words with - between', () => {
    const ids = RULES.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    for (const id of ids) expect(id).toMatch(/^[a-z]+(-[a-z]+)+$/)
  })

  // Those that mean the same thing from two sides.
  const TOGETHER: readonly (readonly string[])[] = [
    ['replication-low', 'min-insync-strict', 'min-insync-impossible', 'min-insync-low'],
    ['redis-old', 'redis-unpatched'],
    ['offset-below-start', 'offset-never-committed'],
    ['offset-never-committed', 'offsets-kept'],
  ]
  test.each(ROWS)('%s (%s) brings up nothing else', (id, _, facts) => {
    const others = diagnose(facts).filter(one => one.id !== id)
    const expected = new Set(TOGETHER.filter(group => group.includes(id)).flat())
    expect(others.filter(one => !expected.has(one.id))).toEqual([])
  })
})

test.each<[string, Partial<RedisFacts>]>([
  ['a version of a line that began later', { version: '8.4.0' }],
  ['a patched version of an old line', { version: '6.2.20' }],
  ['Valkey 9', { server: 'valkey', version: '9.0.0' }],
  ['memory without a limit', { usedBytes: 1e12, maxBytes: 0 }],
  ['a clock that is known only within seconds', { aheadMs: 6_000, aheadWithinMs: 1_500 }],
  ['nothing known of it', { version: undefined, evictionPolicy: undefined } as unknown as Partial<RedisFacts>],
])('Redis is well with %s', (_, change) => {
  expect(diagnose(redis(change))).toEqual([])
})

test('addresses of this machine need no TLS, others with TLS neither', () => {
  const addresses = ['localhost:9092', '127.0.0.1:9092', '127.8.8.8:1', '[::1]:9092']
  expect(diagnose(kafka({ addresses }))).toEqual([])
  expect(diagnose(kafka({ addresses: ['kafka:9092'], isEncrypted: true }))).toEqual([])
  expect(diagnose(kafka({ addresses: ['127.0.0.1.example.org:9092'] })).map(({ id }) => id)).toEqual([
    'kafka-plain-text',
  ])
})

test('what is the same of many topics is one finding that names a few', () => {
  const found = diagnose(setting('lane', { 'retention.ms': '5' })).concat(diagnose(partitions(2, 2, '1')))
  expect(found.map(({ subject }) => subject)).toEqual([
    'shop.mail.critical, shop.mail.high, shop.mail.normal, shop.mail.low',
    'shop.mail.critical, shop.mail.high, shop.mail.normal, shop.mail.low and 3 more',
  ])
})

test('errors come first, and the verdict is by the worst: unreachable, problems, well', () => {
  const bad = { ...setting('dlq', { 'retention.ms': '1' }), redis: { ...REDIS, evictionPolicy: 'allkeys-lru' } }
  const found = diagnose({ ...bad, settings: { ...SETTINGS, graceMs: 60_000 } })
  expect(found.map(({ severity }) => severity)).toEqual(['error', 'warning', 'note'])
  expect(verdictOf(found)).toBe('problems')
  expect(verdictOf(found.slice(1))).toBe('problems')
  expect(verdictOf(found.slice(2))).toBe('well')
  expect(verdictOf(diagnose({ ...bad, ...kafka(failure('unreachable')) }))).toBe('unreachable')
  expect(verdictOf(diagnose(kafka(failure('refused'))))).toBe('problems')
})
