import { expect, test } from 'vitest'
import { newActivity } from '../../core/new-activity.ts'
import type { LaneEntry } from './lane-buffers.ts'
import { AgeHeap } from './lane-buffers.ts'

function entry(createdAtMs: number, epoch: { isOpen: boolean }): LaneEntry {
  const id = `id-${createdAtMs}`
  const activity = newActivity({ type: 't', payload: null }, { ids: { next: () => id }, nowMs: createdAtMs })
  const place = { topic: 'ns.t.normal', partition: 0, offset: createdAtMs, timestampMs: createdAtMs }
  const record = { ...place, key: null, value: null, headers: {}, bytes: 100, epoch }
  return { record, activity, envelope: '', leaseId: null, heldLooks: 0 }
}

function taken(heap: AgeHeap): number[] {
  const out: number[] = []
  for (let top = heap.pop(); top !== undefined; top = heap.pop()) out.push(top.activity.createdAtMs)
  return out
}

test('the oldest comes first, and what was lost never comes', () => {
  const [kept, lost] = [{ isOpen: true }, { isOpen: true }]
  const heap = new AgeHeap()
  for (const at of [5, 3, 8, 1, 9, 2]) heap.push(entry(at, at % 2 === 0 ? kept : lost))
  lost.isOpen = false
  expect(taken(heap)).toEqual([2, 8])
})

test('entries of lost partitions are let go of, also while nothing is taken', () => {
  const heap = new AgeHeap()
  const kept = { isOpen: true }
  heap.push(entry(0, kept))
  for (let epoch = 1; epoch <= 50; epoch += 1) {
    const lost = { isOpen: true }
    for (const at of [4, 2, 6]) heap.push(entry(epoch * 10 + at, lost))
    lost.isOpen = false
    heap.dropLost()
  }
  for (const at of [7, 3, 5]) heap.push(entry(at, kept))
  heap.dropLost()
  expect(heap.size).toBe(4)
  expect(taken(heap)).toEqual([0, 3, 5, 7])
})
