// Every write crosses a crash point, and no crash point is without a test: some process is stopped at it before, after, and
// with its answer lost.

import { expect, test } from 'vitest'
import { CRASH_POINTS } from '../../src/core/crash-point.ts'
import { CRASH_MATRIX } from '../support/crash-matrix.ts'
import { CRASH_ROWS, MEANWHILES } from '../support/crash-rows.ts'
import { SCENARIOS } from '../support/crash-scenarios.ts'
import { productSources, uncoveredWrites } from '../support/write-sites.ts'

const sources = await productSources()
const problems = uncoveredWrites(sources)

test('every write to Kafka or Redis crosses a point of its own', () => {
  expect(problems).toEqual([])
})

/** Writes that somebody may add, each with what follows it in the file; and the line that is to be complained of. */
const PLANTED: readonly (readonly [what: string, file: string, before: string, planted: string])[] = [
  ['a command', 'storage/kafka/canceller.ts', 'const records =', "await this.#store.main.redis.set('x', 'y')"],
  [
    'a command in a transaction',
    'storage/redis/markers.ts',
    'const pipeline =',
    "const planted = store.main.redis.multi().hset(key, 'x', 'y'); await planted.exec()",
  ],
  ['a script', 'storage/redis/idempotency.ts', 'const [seconds]', "await store.main.run('forget', [], [])"],
  ['a produce', 'storage/kafka/timelines.ts', 'const [marker', 'await this.#publisher.writeAll([])'],
  ['a function that writes', 'storage/kafka/scheduling.ts', 'await this.#start()', 'await forget(this.#store, [])'],
  ['an unknown command', 'storage/redis/side-store.ts', 'const [seconds', "await this.main.redis.copy('a', 'b')"],
  ['a trim', 'storage/kafka/reaping.ts', 'const decided =', "await this.#parts.admin.deleteRecordsBefore('x', [])"],
  ['a commit', 'consumer/group-session.ts', 'const { groupId }', 'await this.#consumer.commitOffsets([])'],
  [
    'a second write under one point',
    'storage/kafka/canceller.ts',
    'const records =',
    "await crossing('cancel.decided', async () => { await cancel(this.#store, request); await cancel(this.#store, request) })",
  ],
]

test.each(PLANTED)('%s without a point of its own is refused', (_, file, before, planted) => {
  const text = sources.get(file) ?? ''
  const at = text.indexOf(before)
  expect(at, `${file} has no '${before}'`).toBeGreaterThan(-1)
  const spoilt = new Map(sources).set(file, `${text.slice(0, at)}${planted}; ${text.slice(at)}`)
  const line = text.slice(0, at).split('\n').length
  const known = new Set(problems)
  const fresh = uncoveredWrites(spoilt).filter(problem => !known.has(problem))
  expect(fresh.length).toBeGreaterThan(0)
  expect(fresh.filter(problem => !problem.includes(`src/${file}:${line}`))).toEqual([])
})

test('a process is stopped at every crash point, and at no other', () => {
  const points = CRASH_MATRIX.map(({ point }) => point)
  expect([...new Set(points)].sort()).toEqual([...CRASH_POINTS].sort())
})

test('every crash point is crossed in src, and every crossing names one', () => {
  const crossed = new Set<string>()
  for (const text of sources.values()) {
    for (const [, point = ''] of text.matchAll(/(?:crossing|#write)\('([^']*)'/g)) crossed.add(point)
  }
  expect([...crossed].sort()).toEqual([...CRASH_POINTS].sort())
})

test('every scenario and every meanwhile happens, and no two rows are the same', () => {
  const scenarios = [...CRASH_MATRIX, ...CRASH_ROWS.flatMap(({ crashes }) => crashes)].map(({ scenario }) => scenario)
  expect([...new Set(scenarios)].sort()).toEqual([...SCENARIOS].sort())
  expect([...new Set(CRASH_ROWS.map(row => row.meanwhile))].sort()).toEqual([...MEANWHILES].sort())
  expect(new Set(CRASH_ROWS.map(({ title }) => title)).size).toBe(CRASH_ROWS.length)
  expect(new Set(CRASH_MATRIX.map(({ scenario, point }) => `${scenario} ${point}`)).size).toBe(CRASH_MATRIX.length)
})
