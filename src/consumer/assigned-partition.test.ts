import { describe, expect, it } from 'vitest'
import type { FetchedRecord } from './fetched-record.ts'
import { AssignedPartition } from './assigned-partition.ts'
import { Assignment } from './assignment.ts'

const records = (of: AssignedPartition, ...offsets: number[]): FetchedRecord[] =>
  offsets.map(offset => ({
    topic: of.topic,
    partition: of.partition,
    offset,
    timestampMs: 0,
    key: null,
    value: null,
    headers: {},
    bytes: 10,
    epoch: of,
  }))

const committed = (offset: number | undefined, ...finishedAhead: { from: number; to: number }[]) => ({
  offset,
  metadata: 'e1:…',
  finishedAhead,
})

const offsets = (list: readonly FetchedRecord[]): number[] => list.map(record => record.offset)

function flowing(start = 0): AssignedPartition {
  const partition = new AssignedPartition('t', 0, undefined)
  partition.learn(undefined)
  partition.judge(start)
  return partition
}

describe('a partition that this member never had', () => {
  it('begins where kafkajs begins, and holds records back until it is known what is finished', () => {
    const partition = new AssignedPartition('t', 0, undefined)
    expect(partition.seekPosition).toBeUndefined()
    expect(partition.judge(7)).toBe('accept')
    partition.take(records(partition, 7, 8, 9, 10), 11)
    expect(partition.takeWaiting()).toEqual([])
    expect(partition).toMatchObject({ handedPosition: 7, bytesUnfinished: 40 })
    partition.learn(committed(7, { from: 8, to: 10 }, { from: 30, to: 32 }))
    expect(offsets(partition.takeWaiting())).toEqual([7, 10])
    expect(partition).toMatchObject({ handedPosition: 11, unfinished: 2, bytesUnfinished: 20 })
  })

  it('finishes later records that the metadata names without handing them over', () => {
    const partition = new AssignedPartition('t', 0, undefined)
    partition.learn(committed(0, { from: 2, to: 4 }))
    partition.judge(0)
    partition.take(records(partition, 0, 1, 2), 3)
    partition.take(records(partition, 3, 4), 5)
    expect(offsets(partition.takeWaiting())).toEqual([0, 1, 4])
    partition.finish(0, 10)
    partition.finish(1, 10)
    expect(partition.ledger.frontier).toBe(4)
  })

  it('shows the committed offset as its position before anything was fetched', () => {
    const partition = new AssignedPartition('t', 0, undefined)
    partition.learn(committed(40))
    expect(partition.handedPosition).toBe(40)
    expect(partition.judge(38)).toBe('accept')
    partition.take(records(partition, 38, 39, 40), 41)
    expect(offsets(partition.takeWaiting())).toEqual([40])
  })
})

describe('a partition that comes back', () => {
  it('takes nothing until it knows where to go on, then goes on at the higher of the two frontiers', () => {
    const partition = new AssignedPartition('t', 0, 10)
    expect(partition).toMatchObject({ isBlocked: true, seekPosition: undefined })
    expect(partition.judge(10)).toBe('ignore')
    partition.learn(committed(25))
    expect(partition).toMatchObject({ isBlocked: false, seekPosition: 25, isDirty: false })
  })

  it('commits its own frontier again when that is higher, or when the commit was reset', () => {
    for (const offset of [4, undefined]) {
      const partition = new AssignedPartition('t', 0, 10)
      partition.learn(committed(offset))
      expect(partition).toMatchObject({ seekPosition: 10, isDirty: true })
    }
  })
})

describe('which batches are believed', () => {
  it('refuses a batch that does not continue what was delivered', () => {
    const partition = flowing(0)
    partition.take(records(partition, 0, 1), 2)
    expect(partition.judge(5)).toBe('refuse')
    expect(partition.judge(0)).toBe('refuse')
    expect(partition.refusals).toBe(2)
    expect(partition.judge(2)).toBe('accept')
    expect(partition.refusals).toBe(0)
  })

  it('believes at once that kafkajs stepped over invisible records in steady state', () => {
    const partition = flowing(0)
    partition.take(records(partition, 0), 1)
    partition.skipped(4)
    expect(partition.ledger.frontier).toBe(0)
    expect(partition.judge(5)).toBe('accept')
  })

  it('believes it only the second time after a seek', () => {
    const partition = flowing(0)
    partition.take(records(partition, 0), 1)
    partition.sought()
    partition.skipped(4)
    expect(partition.judge(5)).toBe('refuse')
    partition.sought()
    partition.skipped(2)
    partition.skipped(4)
    expect(partition.judge(5)).toBe('accept')
  })

  it('does not believe a skip of before the join once', () => {
    const partition = flowing(0)
    partition.take(records(partition, 0), 1)
    partition.sought()
    partition.skipped(4)
    expect(partition.judge(5)).toBe('refuse')
    partition.sought()
    expect(partition.judge(5)).toBe('refuse')
    expect(partition.judge(1)).toBe('accept')
  })
})

describe('handing over again', () => {
  it('keeps the order, leaves out what was finished, and takes more behind it', () => {
    const partition = flowing(0)
    partition.take(records(partition, 0, 1, 2), 3)
    const first = partition.takeWaiting()
    partition.finish(1, 10)
    partition.giveBack(first)
    expect(partition.isBlocked).toBe(true)
    partition.take(records(partition, 3), 4)
    expect(partition.takeWaiting()).toEqual([])
    partition.retry()
    expect(offsets(partition.takeWaiting())).toEqual([0, 2, 3])
  })
})

describe('the assignment at a join', () => {
  const partitionsOf = (list: readonly AssignedPartition[]): number[] => list.map(each => each.partition)

  it('keeps the epoch of what stays, ends that of what goes, begins one for what comes', () => {
    const assignment = new Assignment()
    assignment.join('m1', { t: [0, 1] })
    const kept = assignment.get('t', 0)
    const change = assignment.join('m1', { t: [0, 2] })
    expect([change.kept, change.closed, change.opened].map(partitionsOf)).toEqual([[0], [1], [2]])
    expect(assignment.get('t', 0)).toBe(kept)
    expect(change.closed[0]?.isOpen).toBe(false)
    expect(assignment.owned()).toEqual({ t: [0, 2] })
  })

  it('ends every epoch when the member id is another, and a late mark then does nothing', () => {
    const assignment = new Assignment()
    const stale = assignment.join('m1', { t: [0] }).opened[0]
    stale?.judge(3)
    stale?.take(records(stale, 3, 4), 5)
    stale?.finish(3, 10)
    const change = assignment.join('m2', { t: [0] })
    const fresh = change.opened[0]
    expect([partitionsOf(change.closed), change.kept]).toEqual([[0], []])
    expect(stale?.finish(4, 10)).toBe(false)
    expect(stale === undefined ? null : assignment.ofEpoch(stale)).toBeUndefined()
    fresh?.learn(undefined)
    expect(fresh?.seekPosition).toBe(4)
  })

  it('remembers the frontier of a partition that is lost twice before it was located', () => {
    const assignment = new Assignment()
    const first = assignment.join('m1', { t: [0] }).opened[0]
    first?.judge(0)
    first?.take([], 9)
    assignment.join('m1', {})
    assignment.join('m1', { t: [0] })
    assignment.join('m1', {})
    const third = assignment.join('m1', { t: [0] }).opened[0]
    third?.learn(undefined)
    expect(third?.seekPosition).toBe(9)
  })

  it('begins a new epoch at the start of a log that has moved', () => {
    const assignment = new Assignment()
    const partition = assignment.join('m1', { t: [0] }).opened[0]
    if (partition === undefined) throw new Error('nothing opened')
    partition.learn(undefined)
    partition.judge(100)
    const fresh = assignment.replace(partition, 0)
    expect([partition.isOpen, fresh.isOpen, fresh.seekPosition]).toEqual([false, true, 0])
  })
})
