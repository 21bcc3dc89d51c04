import { expect, test } from 'vitest'
import { LIMITS, REHOMING_LIMITS } from '../../core/limits.ts'
import { newActivity } from '../../core/new-activity.ts'
import type { LaneEntry } from './lane-buffers.ts'
import type { LongOnesParams } from './long-ones.ts'
import { LongOnes, placeOf } from './long-ones.ts'

const AFTER_MS = 300_000
const { heldMsMax, pressedMsMin, retryMs } = REHOMING_LIMITS

function entry(offset: number, epoch: { isOpen: boolean } = { isOpen: true }): LaneEntry {
  const activity = newActivity({ type: 't', payload: null }, { ids: { next: () => `id-${offset}` }, nowMs: 0 })
  const place = { topic: 'ns.t.normal', partition: 0, offset, timestampMs: 0 }
  const record = { ...place, key: null, value: null, headers: {}, bytes: 100, epoch }
  return { record, activity, envelope: '', leaseId: null, heldLooks: 0 }
}

/** Nothing but what is given. */
function at(nowMs: number, given: Partial<LongOnesParams>): LongOnesParams {
  return { running: [], held: [], isHomed: () => false, pressed: () => new Set(), ...given, nowMs }
}

const pressedAt = (...entries: LaneEntry[]) => ({ pressed: () => new Set(entries.map(each => placeOf(each.record))) })

test.each<[string, 'running' | 'held', number, boolean]>([
  ['runs here for less than the limit', 'running', AFTER_MS - 1, false],
  ['runs here for as long as the limit', 'running', AFTER_MS, true],
  ['is held for less than a minute', 'held', heldMsMax - 1, false],
  ['is held for a minute', 'held', heldMsMax, true],
])('what %s', (_, where, afterMs, isLong) => {
  const one = entry(1)
  const longOnes = new LongOnes(AFTER_MS)
  expect(longOnes.choose(at(1_000, { [where]: [one] }))).toEqual([])
  expect(longOnes.choose(at(1_000 + afterMs, { [where]: [one] }))).toEqual(isLong ? [one] : [])
})

test('a limit below a minute is that of held ones as well', () => {
  const one = entry(1)
  const longOnes = new LongOnes(500)
  longOnes.choose(at(0, { held: [one] }))
  expect(longOnes.choose(at(500, { held: [one] }))).toEqual([one])
})

test.each<[string, number, number]>([
  ['at once', pressedMsMin, 1],
  ['not before it has run for a while', pressedMsMin - 1, 0],
])('what holds a frontier that thousands wait behind is long %s, and nothing else is', (_, afterMs, count) => {
  const [head, other] = [entry(1), entry(2)]
  const longOnes = new LongOnes(AFTER_MS)
  longOnes.choose(at(0, { running: [other, head] }))
  const chosen = longOnes.choose(at(afterMs, { running: [other, head], ...pressedAt(head) }))
  expect(chosen).toEqual([head].slice(0, count))
})

test('nobody asks where frontiers stand while nothing has run for a while', () => {
  const longOnes = new LongOnes(AFTER_MS)
  const pressed = (): never => {
    throw new Error('asked')
  }
  longOnes.choose(at(0, { running: [entry(1)], pressed }))
  expect(longOnes.choose(at(pressedMsMin, { running: [entry(2)], pressed }))).toEqual([])
})

test('what has a home, or came from a partition that is lost, is none of its business', () => {
  const epoch = { isOpen: true }
  const [homed, lost] = [entry(1), entry(2, epoch)]
  const longOnes = new LongOnes(AFTER_MS)
  const isHomed = (each: LaneEntry): boolean => each === homed
  longOnes.choose(at(0, { running: [homed, lost], isHomed }))
  epoch.isOpen = false
  expect(longOnes.choose(at(AFTER_MS, { running: [homed, lost], isHomed, ...pressedAt(homed, lost) }))).toEqual([])
})

test('what was away in between begins anew', () => {
  const one = entry(1)
  const longOnes = new LongOnes(AFTER_MS)
  longOnes.choose(at(0, { running: [one] }))
  longOnes.choose(at(1, {}))
  expect(longOnes.choose(at(AFTER_MS, { running: [one] }))).toEqual([])
})

test('what runs here and is held as well is chosen once, by the limit of what runs here', () => {
  const one = entry(1)
  const longOnes = new LongOnes(AFTER_MS)
  longOnes.choose(at(0, { running: [one], held: [one] }))
  expect(longOnes.choose(at(heldMsMax, { running: [one], held: [one] }))).toEqual([])
  expect(longOnes.choose(at(AFTER_MS, { running: [one], held: [one] }))).toEqual([one])
})

test('what could not be given a home is left alone for a while', () => {
  const [refused, other] = [entry(1), entry(2)]
  const longOnes = new LongOnes(AFTER_MS)
  const running = [refused, other]
  longOnes.choose(at(0, { running }))
  expect(longOnes.choose(at(AFTER_MS, { running }))).toEqual(running)
  longOnes.postpone([refused], AFTER_MS)
  expect(longOnes.choose(at(AFTER_MS + retryMs - 1, { running }))).toEqual([other])
  expect(longOnes.choose(at(AFTER_MS + retryMs, { running }))).toEqual(running)
})

test('no more are chosen at once than a script takes', () => {
  const running = Array.from({ length: LIMITS.scriptBatchMax + 1 }, (_, offset) => entry(offset))
  const longOnes = new LongOnes(AFTER_MS)
  longOnes.choose(at(0, { running }))
  expect(longOnes.choose(at(AFTER_MS, { running }))).toEqual(running.slice(0, -1))
})
