import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AssignerMember, StickyAssignment } from './sticky-assigner.ts'
import { assignSticky } from './sticky-assigner.ts'
import { decodeOwned, encodeOwned } from './sticky-protocol.ts'

type Topics = Record<string, number[]>

const topicsOf = (lanes: number, partitions: number): Topics =>
  Object.fromEntries(
    Array.from({ length: lanes }, (_, lane) => [`lane${lane}`, Array.from({ length: partitions }, (_, p) => p)]),
  )

const fresh = (memberId: string, topics: Topics): AssignerMember => ({
  memberId,
  topics: Object.keys(topics),
  owned: {},
})

function after(assignment: StickyAssignment, members: readonly string[], topics: Topics): AssignerMember[] {
  return members.map(memberId => ({
    ...fresh(memberId, topics),
    owned: Object.fromEntries(assignment.get(memberId) ?? []),
  }))
}

function flat(assignment: StickyAssignment): Map<string, string> {
  const owners = new Map<string, string>()
  for (const [memberId, topics] of assignment) {
    for (const [topic, partitions] of topics) {
      for (const partition of partitions) {
        expect(owners.has(`${topic}:${partition}`)).toBe(false)
        owners.set(`${topic}:${partition}`, memberId)
      }
    }
  }
  return owners
}

function moved(before: StickyAssignment, now: StickyAssignment): number {
  const owners = flat(before)
  return [...flat(now)].filter(([partition, owner]) => owners.get(partition) !== owner).length
}

function expectBalanced(assignment: StickyAssignment, topics: Topics): void {
  const spread = (counts: number[]): number => Math.max(...counts) - Math.min(...counts)
  const members = [...assignment.values()]
  for (const topic of Object.keys(topics)) {
    expect(spread(members.map(member => member.get(topic)?.length ?? 0))).toBeLessThanOrEqual(1)
  }
  const total = (member: Map<string, number[]>): number => [...member.values()].flat().length
  expect(spread(members.map(total))).toBeLessThanOrEqual(1)
}

const ids = (count: number): string[] => Array.from({ length: count }, (_, n) => `m${n}`)

describe('the sticky assigner', () => {
  it.each([
    [4, 4],
    [4, 6],
    [4, 12],
    [1, 7],
    [4, 5],
    [8, 3],
  ])('moves at most a fifth and one when one of five leaves (%i lanes of %i)', (lanes, partitions) => {
    const topics = topicsOf(lanes, partitions)
    const before = assignSticky(
      ids(5).map(id => fresh(id, topics)),
      topics,
    )
    for (const leaver of ids(5)) {
      const rest = ids(5).filter(id => id !== leaver)
      const now = assignSticky(after(before, rest, topics), topics)
      expectBalanced(now, topics)
      expect(moved(before, now)).toBeLessThanOrEqual((lanes * partitions) / 5 + 1)
    }
  })

  it('gives a joining member its share and moves nothing else', () => {
    const topics = topicsOf(4, 4)
    const before = assignSticky(
      ids(3).map(id => fresh(id, topics)),
      topics,
    )
    const now = assignSticky([...after(before, ids(3), topics), fresh('new', topics)], topics)
    expectBalanced(now, topics)
    expect(moved(before, now)).toBe(4)
    expect([...flat(now)].filter(([, owner]) => owner === 'new')).toHaveLength(4)
  })

  it('changes nothing when nothing has changed', () => {
    const topics = topicsOf(4, 5)
    const before = assignSticky(
      ids(4).map(id => fresh(id, topics)),
      topics,
    )
    expect(moved(before, assignSticky(after(before, ids(4), topics), topics))).toBe(0)
  })

  it('assigns every partition once, balanced, and the same whatever the order, through any joins and leaves', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 9 }),
        fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 6 }),
        (lanes, partitions, sizes) => {
          const topics = topicsOf(lanes, partitions)
          let assignment: StickyAssignment = new Map()
          for (const size of sizes) {
            const members = after(assignment, ids(size), topics)
            assignment = assignSticky(members, topics)
            expect(assignSticky(members.toReversed(), topics)).toEqual(assignment)
            expect(flat(assignment).size).toBe(lanes * partitions)
            expectBalanced(assignment, topics)
          }
        },
      ),
    )
  })

  it('gives no partition to a member that does not want its topic, and none to nobody', () => {
    const topics = { a: [0, 1, 2, 3], b: [0, 1], c: [0] }
    const members = [
      { memberId: 'x', topics: ['a'], owned: {} },
      { memberId: 'y', topics: ['a', 'b'], owned: { a: [0, 1, 2, 3] } },
    ]
    const assignment = assignSticky(members, topics)
    expect([...(assignment.get('x') ?? [])].map(([topic]) => topic)).toEqual(['a'])
    expect(assignment.get('y')?.get('b')).toEqual([0, 1])
    expect(flat(assignment).size).toBe(6)
    expect(assignment.get('x')?.get('a')).toHaveLength(2)
  })

  it('gives a partition that two members claim to one of them, and forgets partitions that are gone', () => {
    const topics = { a: [0, 1] }
    const owned = { a: [0, 1, 7] }
    const assignment = assignSticky(
      ['x', 'y'].map(memberId => ({ memberId, topics: ['a'], owned })),
      topics,
    )
    expect([...flat(assignment).keys()].toSorted()).toEqual(['a:0', 'a:1'])
  })

  it('reads back what a member has, and takes garbage for nothing', () => {
    const owned = { 'ns.mail.high': [0, 3], 'ns.mail.low': [] }
    expect({ ...decodeOwned(encodeOwned(owned)) }).toEqual(owned)
    for (const text of ['', '[', 'null', '7', '{"a":"b"}', '\u0000\u0001']) {
      expect({ ...decodeOwned(Buffer.from(text)) }).toEqual({})
    }
  })
})
