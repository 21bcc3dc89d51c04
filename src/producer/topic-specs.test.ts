import { describe, expect, it } from 'vitest'
import { delaySpec, dlqSpec, laneSpec, laneSpecs, outcomesSpec } from './topic-specs.ts'

describe('topic specs', () => {
  const all = [...laneSpecs('ns', 'mail'), delaySpec('ns'), outcomesSpec('ns'), dlqSpec('ns')]

  it('name the topics of a namespace', () => {
    expect(all.map(spec => spec.topic)).toEqual([
      'ns.mail.critical',
      'ns.mail.high',
      'ns.mail.normal',
      'ns.mail.low',
      'ns.delay',
      'ns.outcomes',
      'ns.dlq',
    ])
  })

  it('have 4 partitions and say what must not be left to the broker', () => {
    for (const spec of all) {
      expect(spec.partitions).toBe(4)
      expect(spec.replicationFactor).toBeUndefined()
      // Poison of the largest size still has to fit into the DLQ, with the headers that say why.
      const bytesMax = spec.topic === 'ns.dlq' ? '1376256' : '1310720'
      expect(spec.config).toMatchObject({ 'compression.type': 'uncompressed', 'max.message.bytes': bytesMax })
      expect(spec.config['min.insync.replicas']).toBeUndefined()
    }
  })

  it('never let a lane lose records by age or size', () => {
    expect(laneSpec('ns', 'mail', 'high').config).toMatchObject({
      'cleanup.policy': 'delete',
      'retention.ms': '-1',
      'retention.bytes': '-1',
    })
  })

  it('compact the delay topic and keep outcomes 7 and dead letters 30 days', () => {
    expect(delaySpec('ns').config).toMatchObject({
      'cleanup.policy': 'compact',
      'min.cleanable.dirty.ratio': '0.1',
      'segment.ms': '3600000',
      'delete.retention.ms': '3600000',
    })
    expect(outcomesSpec('ns').config['retention.ms']).toBe(String(7 * 86_400_000))
    expect(dlqSpec('ns').config['retention.ms']).toBe(String(30 * 86_400_000))
  })

  it('take partitions and replication from the operator', () => {
    const spec = dlqSpec('ns', { partitions: 12, replicationFactor: 3, minInsyncReplicas: 2 })
    expect(spec).toMatchObject({ partitions: 12, replicationFactor: 3, config: { 'min.insync.replicas': '2' } })
  })

  it.each([
    [{ partitions: 0 }, 'partitions'],
    [{ partitions: 1.5 }, 'partitions'],
    [{ replicationFactor: 0 }, 'replicationFactor'],
    [{ replicationFactor: 2, minInsyncReplicas: 3 }, 'minInsyncReplicas'],
  ])('refuse %j', (options, field) => {
    expect(() => delaySpec('ns', options)).toThrow(new RegExp(`\\[invalid_argument\\] ${field}`))
  })

  it('refuse names that would collide', () => {
    expect(() => laneSpec('Ns', 'mail', 'low')).toThrow(/namespace/)
    expect(() => laneSpec('ns', 'delay', 'low')).toThrow(/type/)
  })
})
