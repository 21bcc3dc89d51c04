import { describe, expect, test } from 'vitest'
import type { ConsumerGroupClass, ConsumerGroupLike } from './idle-fetch-patch.ts'
import { patchConsumerGroupClass, patchIdleFetch } from './idle-fetch-patch.ts'
import { partitionAssigners } from './sticky-protocol.ts'
import { silentLogger } from '../core/logger.ts'

/** A group as the patch sees it: what its fetches give is said by the test, and how long they waited is kept. */
function patchedGroup(assigner: string, sessionTimeout = 10_000) {
  const waited: number[] = []
  const paused: unknown[] = []
  let batches: readonly { isEmpty(): boolean }[] = []
  class Group implements ConsumerGroupLike {
    readonly assigners = [{ name: 'RoundRobinAssigner' }, { name: assigner }]
    readonly sessionTimeout = sessionTimeout
    readonly subscriptionState = { paused: () => paused }
    maxWaitTime = 100
    fetch(_nodeId: string) {
      waited.push(this.maxWaitTime)
      return Promise.resolve(batches)
    }
  }
  const groupClass: ConsumerGroupClass = Group
  patchConsumerGroupClass(groupClass)
  patchConsumerGroupClass(groupClass)
  const group = new Group()
  const fetches = async (count: number, nodeId = '1'): Promise<number[]> => {
    for (let nth = 0; nth < count; nth += 1) await group.fetch(nodeId)
    return waited.splice(0)
  }
  const bring = (records: number): void => {
    batches = [{ isEmpty: () => true }, { isEmpty: () => records === 0 }]
  }
  return { fetches, bring, paused }
}

describe('a fetch', () => {
  test('waits longer after each that brought nothing, up to a second', async () => {
    const { fetches } = patchedGroup('ErrandSticky')
    expect(await fetches(6)).toEqual([100, 200, 400, 800, 1_000, 1_000])
  })

  test('waits shortly again once something came, at each broker by itself', async () => {
    const { fetches, bring } = patchedGroup('ErrandSticky')
    await fetches(5)
    bring(1)
    expect(await fetches(3)).toEqual([1_000, 100, 100])
    bring(0)
    expect(await fetches(3, '2')).toEqual([100, 200, 400])
    expect(await fetches(2, '1')).toEqual([100, 200])
  })

  test('waits shortly while a partition is paused, which may be resumed', async () => {
    const { fetches, paused } = patchedGroup('ErrandSticky')
    await fetches(5)
    paused.push({ topic: 't', partitions: [0] })
    expect(await fetches(2)).toEqual([100, 100])
    paused.length = 0
    expect(await fetches(1)).toEqual([1_000])
  })

  test('never waits for more than a tenth of a session', async () => {
    const { fetches } = patchedGroup('ErrandSticky', 3_000)
    expect(await fetches(4)).toEqual([100, 200, 300, 300])
  })

  test('of a group of others waits as it was told', async () => {
    const { fetches } = patchedGroup('Theirs')
    expect(await fetches(3)).toEqual([100, 100, 100])
  })

  test('is what kafkajs makes, and the assigner is ours by the name that is looked for', () => {
    expect(() => patchIdleFetch()).not.toThrow()
    const [make] = partitionAssigners(() => ({}), silentLogger)
    const assigner = make?.({ cluster: {} } as Parameters<typeof make>[0])
    expect(assigner?.name).toBe('ErrandSticky')
  })
})
