// What must be so once the living have taken up what was left: the activity has ended once, as it had to, on both servers.

import assert from 'node:assert/strict'
import type { TerminalStatus } from '../../src/core/activity.ts'
import { isTerminal } from '../../src/core/activity.ts'
import type { KafkaStorage } from '../../src/storage/kafka/index.ts'
import type { CrashGround } from './crash-ground.ts'
import type { CrashHeir } from './crash-heir.ts'
import { HEIR_RESULT } from './crash-heir.ts'

/** These attempts of the activity were claimed, in order. Null: any, but none twice. */
export function checkClaims({ claims }: CrashHeir, id: string, wanted: readonly number[] | null): void {
  const claimed = claims.filter(({ activity }) => activity.id === id).map(({ attempt }) => attempt)
  assert.deepEqual(claimed, wanted ?? [...new Set(claimed)], `claimed of ${id}`)
}

/** One end, the same everywhere; copies of its record are legal. */
export async function checkEndedOnce(
  ground: CrashGround,
  storage: KafkaStorage,
  id: string,
  ends: TerminalStatus,
): Promise<void> {
  const outcomes = (await ground.outcomes(id)).filter(({ outcome }) => isTerminal(outcome))
  // Copies are legal: whoever took up what was left could not know that it had been written.
  const distinct = new Set(outcomes.map(({ attempt, outcome }) => `${attempt} ${outcome}`))
  assert.equal(distinct.size, 1, [...distinct].join(', '))
  assert.equal(outcomes[0]?.outcome, ends)
  assert.equal((await storage.getActivity({ id }))?.status, ends)

  const result = await storage.getResult({ id })
  assert.equal(result?.state, ends === 'completed' ? 'ok' : 'err')
  if (ends === 'completed') {
    assert.ok(['"from the dead"', HEIR_RESULT].includes(result?.dataJson ?? ''), result?.dataJson)
    assert.deepEqual([...new Set(outcomes.map(({ resultJson }) => resultJson))], [result?.dataJson])
  }
  assert.equal((await ground.deadLetters(id)) > 0, ends === 'dead_letter')
}

/** While Redis keeps its data, an attempt ends in one way, whoever tells of it. */
export async function checkAttemptsEndedOnce(ground: CrashGround, id: string): Promise<void> {
  const outcomes = await ground.outcomes(id)
  const ends = new Set(outcomes.map(({ attempt, outcome }) => `${attempt} ${outcome}`))
  const attempts = new Set(outcomes.map(({ attempt }) => attempt))
  assert.equal(ends.size, attempts.size, [...ends].join(', '))
}

/** Nobody has ever heard of it. */
export async function checkNeverWas(ground: CrashGround, storage: KafkaStorage, id: string): Promise<void> {
  assert.equal(await storage.getActivity({ id }), null)
  assert.deepEqual(await ground.outcomes(id), [])
}
