import { describe, expect, test } from 'vitest'
import type { BrokerVersions } from './broker-protocol.ts'
import { clientVersions, protocolFacts, releaseOf } from './broker-protocol.ts'

const FETCH = 1
const versions = (ranges: Readonly<Record<number, readonly [number, number]>>): BrokerVersions =>
  Object.fromEntries(Object.entries(ranges).map(([key, [minVersion, maxVersion]]) => [key, { minVersion, maxVersion }]))

test.each<[string | undefined, BrokerVersions]>([
  ['4.1', versions({ [FETCH]: [4, 18] })],
  ['4.0', versions({ [FETCH]: [4, 17] })],
  ['3.9', versions({ [FETCH]: [0, 17] })],
  ['3.7', versions({ [FETCH]: [0, 16] })],
  ['3.1', versions({ [FETCH]: [0, 13] })],
  ['2.4', versions({ [FETCH]: [0, 11], 44: [0, 0], 47: [0, 0] })],
  ['2.3', versions({ [FETCH]: [0, 11], 44: [0, 0] })],
  ['1.1', versions({ [FETCH]: [0, 7], 42: [0, 0] })],
  ['0.11', versions({ [FETCH]: [0, 5] })],
  [undefined, versions({ [FETCH]: [0, 3] })],
  [undefined, {}],
])('a release is known by its protocol: %s', (release, protocol) => {
  expect(releaseOf(protocol)).toBe(release)
})

describe('what both sides speak', () => {
  const client = clientVersions()

  test('names each request that is needed, from the first version that will do', () => {
    const facts = protocolFacts(versions({ 0: [0, 13], [FETCH]: [4, 18] }), client)
    expect(facts.find(({ name }) => name === 'Produce')).toEqual({
      name: 'Produce',
      client: { min: 3, max: 7 },
      broker: { min: 0, max: 13 },
    })
    expect(facts.find(({ name }) => name === 'CreateTopics')).toEqual({
      name: 'CreateTopics',
      client: { min: 0, max: 3 },
    })
  })

  test('the client has versions of every one of them', () => {
    for (const { name, client: range } of protocolFacts({}, client)) {
      expect(range.max, name).toBeGreaterThanOrEqual(range.min)
      expect(Number.isFinite(range.max), name).toBe(true)
    }
  })
})
