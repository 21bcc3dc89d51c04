// A run that proves nothing is found out: each rule of validity has a run that breaks it, and no other.

import { expect, test } from 'vitest'

import type { Spoilt } from './planting.ts'
import { addLedger, lineOf, monoAt, needed, spoil } from './planting.ts'
import { soundRun } from './sound.ts'
import { judgeValidity } from './validity.ts'

const SOUND = soundRun()

test('a sound run is valid', () => {
  expect(judgeValidity(SOUND)).toEqual([])
})

const INVALID: readonly (readonly [reason: string, plant: (spoilt: Spoilt) => void])[] = [
  ['worker.kill was proven and cured 1 times; 2 are needed', spoilt => (faultOf(spoilt, 'worker.kill').proof = null)],
  ['net.cut.redis was proven and cured 0 times; 2 are needed', spoilt => spoilt.run.faults.push('net.cut.redis')],
  [
    'nothing was outstanding when worker.stop (worker-4, at 25000) was injected',
    spoilt => (faultOf(spoilt, 'worker.stop').outstanding = 0),
  ],
  [
    'worker.term (worker-7, at 57000) is not known to be gone',
    spoilt => {
      const last = needed(
        spoilt.faults.findLast(({ fault }) => fault === 'worker.term'),
        'fault',
      )
      spoilt.faults.push({ ...last, fromMono: last.fromMono - 1_000, toMono: last.toMono - 1_000 })
      last.cure = null
    },
  ],
  [
    'worker.kill (worker-1, at 20000) was gone only after the run counts as healed',
    spoilt => (faultOf(spoilt, 'worker.kill').toMono = spoilt.run.healedMono + 1),
  ],
  [
    'only 89 of 104 enqueues outside of faults were ok at the first try; 90 % are needed',
    spoilt => {
      // After the last fault, so that none of them is excused by one.
      for (let n = 96; n < 110; n++) lineOf(spoilt, `plain-${n}`, 'enqueue', 'answer').outcome = 'unavailable'
    },
  ],
  [
    'no enqueue was made outside of faults: there was no quiet time',
    spoilt => {
      Object.assign(faultOf(spoilt, 'worker.kill'), { fromMono: 0, toMono: spoilt.run.healedMono })
    },
  ],
  ['no attempt ended failed', spoilt => replaceOutcomes(spoilt, '"outcome":"failed"', '"outcome":"cancelled"')],
  [
    'nothing of priority critical ended',
    spoilt => replaceOutcomes(spoilt, '"priority":"critical"', '"priority":"high"'),
  ],
  [
    'the dump of sound.outcomes/0 ends at 3, and the log at 5',
    spoilt => {
      const part = needed(
        spoilt.topics.partitions.find(({ topic }) => topic === 'sound.outcomes'),
        'partition',
      )
      Object.assign(part, { high: 5, readTo: 3 })
    },
  ],
  [
    'the dump has nothing of sound.beta.low',
    spoilt => {
      spoilt.topics.partitions = spoilt.topics.partitions.filter(({ topic }) => topic !== 'sound.beta.low')
    },
  ],
  [
    'the history of producer-2 has line 3 where 2 is due',
    spoilt =>
      (needed(
        spoilt.history.find(({ proc, seq }) => proc === 'producer-2' && seq === 2),
        'line',
      ).seq = 3),
  ],
  [
    'the ledger has 1 lines of leases that no history has, such as unheard-of of worker-9',
    spoilt => addLedger(spoilt, 1_000, { what: 'start', id: 'plain-0', attempt: 1, leaseId: 'unheard-of' }),
  ],
  ['the ledger is empty', spoilt => (spoilt.ledger = [])],
  ['nobody looked at the committed offsets', spoilt => (spoilt.offsets = [])],
]

test.each(INVALID)('it is said that %s', (reason, plant) => {
  expect(judgeValidity(spoil(SOUND, plant))).toEqual([reason])
})

test('without histories there is nothing to go by', () => {
  expect(judgeValidity(spoil(SOUND, spoilt => (spoilt.history = [])))).toContain('there are no histories')
})

test('an enqueue while a fault was at work need not be ok', () => {
  const spoilt = spoil(SOUND, each => {
    for (const line of each.history) {
      const isFaulty = each.faults.some(({ fromMono, toMono }) => line.mono >= fromMono && line.mono <= toMono)
      if (line.op === 'enqueue' && line.phase === 'answer' && isFaulty && line.mono > monoAt(0))
        line.outcome = 'unavailable'
    }
  })
  expect(judgeValidity(spoilt)).toEqual([])
})

function faultOf(spoilt: Spoilt, name: string): Spoilt['faults'][number] {
  return needed(
    spoilt.faults.find(({ fault }) => fault === name),
    name,
  )
}

function replaceOutcomes(spoilt: Spoilt, from: string, to: string): void {
  for (const record of spoilt.topics.records) {
    if (record.topic === 'sound.outcomes') record.value = record.value?.replace(from, to) ?? null
  }
}
