import { expect, test } from 'vitest'
import type { DeploymentFacts, KafkaFacts } from '../core/deployment-facts.ts'
import { topicsView } from './topic-view.ts'

const facts = (kafka: Partial<KafkaFacts>): DeploymentFacts => ({
  namespace: 'shop',
  types: ['mail'],
  settings: { leaseMs: 1, sessionTimeoutMs: 1, graceMs: 1, rehomeAfterMs: 1, markerMs: 1, resultMs: 1, keyMs: 1 },
  kafka: { addresses: ['kafka:9092'], isEncrypted: false, stillMs: 1, ...kafka },
  redis: { addresses: ['redis:6379'], isEncrypted: false },
  unseen: [],
})
const frontier = { groupId: 'shop.mail.workers', topic: 'shop.mail.normal', standsStill: false }

test('a partition has what is not finished, the settings that count, and its copies', () => {
  const view = topicsView(
    facts({
      topics: [
        {
          ...{ topic: 'shop.mail.normal', role: 'lane', type: 'mail', isThere: true },
          wanted: { 'retention.ms': '-1' },
          settings: { 'retention.ms': '60000', 'segment.bytes': '1' },
          partitions: [
            { partition: 0, leader: 1, replicas: 3, inSync: 2 },
            { partition: 1, replicas: 3, inSync: 0 },
            { partition: 2, leader: 1, replicas: 3, inSync: 3 },
          ],
        },
        { topic: 'shop.dlq', role: 'dlq', isThere: false, wanted: {} },
      ],
      frontiers: [
        { ...frontier, partition: 0, low: 5, high: 20, committed: 10, finishedAhead: 4, standsStill: true },
        { ...frontier, partition: 1, low: 5, high: 20, committed: -1, finishedAhead: 0 },
      ],
      groups: [{ groupId: 'shop.mail.workers', type: 'mail', state: 'Stable', members: 2, isStuck: false }],
    }),
  )
  expect(view.topics[0]).toMatchObject({
    ...{ type: 'mail', settings: { 'retention.ms': '60000' }, wanted: { 'retention.ms': '-1' } },
    partitions: [
      { leader: 1, inSync: 2, frontier: 10, high: 20, lag: 6, finishedAhead: 4, standsStill: true },
      { leader: null, frontier: 5, lag: 15, standsStill: false },
      { frontier: null, lag: null, high: null },
    ],
  })
  expect(view.topics[1]).toMatchObject({ isThere: false, type: null, partitions: [], settings: {} })
  expect(view.groups).toEqual([
    { groupId: 'shop.mail.workers', type: 'mail', state: 'Stable', members: 2, isStuck: false },
  ])
})

test('when Kafka did not answer there is nothing', () => {
  expect(topicsView(facts({}))).toEqual({ topics: [], groups: [] })
})
