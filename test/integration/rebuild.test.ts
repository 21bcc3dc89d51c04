// Redis is rebuildable from Kafka: emptied and rebuilt it knows, field by field, what it knew before, but for what
// `rebuild-differences.ts` lists with reasons.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DUPLICATE_BEHAVIORS } from '../../src/core/activity.ts'
import type { RebuildReport } from '../../src/storage/kafka/index.ts'
import type { StorageStats } from '../../src/storage/storage.ts'
import type { Difference } from '../support/rebuild-differences.ts'
import { differencesOf, judge } from '../support/rebuild-differences.ts'
import { RebuildGround, WORK } from '../support/rebuild-ground.ts'
import type { MadeStates } from '../support/rebuild-states.ts'
import { makeStates } from '../support/rebuild-states.ts'
import type { RedisDump } from '../support/redis-dump.ts'
import { dumpNamespace, emptyNamespace } from '../support/redis-dump.ts'

let ground: RebuildGround
let made: MadeStates
let dumpBefore: RedisDump
let saidBefore: Awaited<ReturnType<typeof answers>>
const allowed: Difference[] = []

beforeAll(async () => {
  ground = await RebuildGround.open()
  made = await makeStates(ground)
  dumpBefore = await dumpNamespace(ground.redis, ground.namespace)
  saidBefore = await answers()
})
afterAll(() => ground[Symbol.asyncDispose]())

/** What anybody can ask about all that was made. */
async function answers() {
  const { storage } = ground
  const ids = Object.entries(made.ids)
  const results = await Promise.all(ids.map(async ([name, id]) => [name, await storage.getResult({ id })]))
  const snapshots = await Promise.all(ids.map(async ([name, id]) => [name, await storage.getActivity({ id })] as const))
  const lookups = await Promise.all(made.keys.map(key => storage.lookupKey(key)))
  const verdicts = await Promise.all(
    made.keys.flatMap(key => DUPLICATE_BEHAVIORS.map(behavior => storage.checkIdempotency({ ...key, behavior }))),
  )
  return {
    results: Object.fromEntries(results) as Record<string, unknown>,
    statuses: Object.fromEntries(snapshots.map(([name, each]) => [name, each?.status])),
    redrives: Object.fromEntries(snapshots.map(([name, each]) => [name, each?.redrivenAs])),
    lookups,
    verdicts,
    stats: await storage.stats(),
  }
}

/** What ran when Redis was lost waits again. */
function withNothingRunning(stats: StorageStats): StorageStats {
  const waiting = <T extends { readonly pending: number; readonly running: number }>(counts: T): T => ({
    ...counts,
    pending: counts.pending + counts.running,
    running: 0,
  })
  const each = <T extends object>(byName: T): T =>
    Object.fromEntries(Object.entries(byName).map(([name, counts]) => [name, waiting(counts)])) as T
  return { ...waiting(stats), byType: each(stats.byType), byPriority: each(stats.byPriority) }
}

async function emptied(keeps: 'nothing' | 'the generation'): Promise<void> {
  const generation = dumpBefore.get('generation')?.fields['value'] ?? ''
  await emptyNamespace(ground.redis, ground.namespace)
  // As if claims had gone on long ago, with nothing restored: then the rebuild does everything itself.
  if (keeps === 'the generation') await ground.redis.set(`{${ground.namespace}:00}:generation`, generation)
}

async function expectAsBefore(): Promise<void> {
  const differences = differencesOf(dumpBefore, await dumpNamespace(ground.redis, ground.namespace))
  expect(judge(differences).unexplained).toEqual([])
  allowed.push(...differences)
  const said = await answers()
  const { stats, statuses, ...rest } = saidBefore
  expect(said).toMatchObject({ ...rest, stats: withNothingRunning(stats) })
  const ran = (name: string): boolean => statuses[name] === 'running'
  expect(said.statuses).toEqual(
    Object.fromEntries(Object.entries(statuses).map(([name, status]) => [name, ran(name) ? 'pending' : status])),
  )
}

describe('an emptied Redis that is rebuilt knows field by field what it knew, and answers as before', () => {
  test('by the rebuild alone', async () => {
    await emptied('the generation')
    const report = await ground.storage.rebuild()
    await expectAsBefore()
    expect(report).toMatchObject({
      unreadable: 0,
      isContinued: false,
      scheduled: 4,
      unseen: 2,
      redriven: 3,
    } satisfies Partial<RebuildReport>)
    expect([report.markers, report.results, report.keys].every(count => count > 5)).toBe(true)
  })

  test('after the part that claims wait for was restored', async () => {
    await emptied('nothing')
    const report = await ground.storage.rebuild()
    await expectAsBefore()
    expect(report).toMatchObject({ markers: 0, results: 0, unseen: 2 })
  })

  test('by two at once, one of which begins anew', async () => {
    await emptied('nothing')
    await using other = await ground.openAnother()
    await Promise.all([ground.storage.rebuild(), other.rebuild({ restart: true }), ground.storage.rebuild()])
    await expectAsBefore()
  })

  test('and once more, which changes nothing', async () => {
    const before = await dumpNamespace(ground.redis, ground.namespace)
    const report = await ground.storage.rebuild()
    expect(report).toMatchObject({ markers: 0, results: 0, keys: 0, scheduled: 0, redriven: 0, unseen: 0 })
    const changed = differencesOf(before, await dumpNamespace(ground.redis, ground.namespace))
    expect(changed.filter(({ key }) => key !== 'rebuild')).toEqual([])
  })

  test('when it is emptied once more meanwhile, which begins it anew', async () => {
    await emptied('nothing')
    const keys = [...dumpBefore.keys(), 'rebuild'].map(key => `{${ground.namespace}:00}:${key}`)
    let emptying: Promise<number> | undefined
    let beginnings = 0
    await ground.storage.rebuild({
      onProgress: ({ phase, done }) => {
        if (phase === 'outcomes' && done === 0) beginnings += 1
        if (phase === 'lanes') emptying ??= ground.redis.del(...keys)
      },
    })
    expect(await emptying).toBeGreaterThan(10)
    expect(beginnings).toBe(2)
    await expectAsBefore()
  })

  test('and no rule of what may differ is needless', () => {
    expect(judge(allowed).needless).toEqual([])
  })
})

test('what is claimed after a rebuild is what waited before, and nothing that was cancelled', async () => {
  const names = new Map(Object.entries(made.ids).map(([name, id]) => [id, name]))
  // This process still runs two, whose leases are gone: another claims them.
  await using worker = await ground.openAnother()
  await ground.storage.close()
  await worker.subscribe({ types: [WORK] })
  await worker.catchUp({ types: [WORK], timeoutMs: 20_000 })
  const claimed: string[] = []
  for (let left = 6; left > 0; left -= 1) {
    const [attempt] = await worker.dequeue({ workerId: 'w', timeoutMs: 10_000, types: [WORK] })
    claimed.push(`${names.get(attempt?.activity.id ?? '')}, attempt ${attempt?.attempt}`)
  }
  expect(await worker.dequeue({ workerId: 'w', timeoutMs: 300, types: [WORK] })).toEqual([])
  expect(claimed.sort()).toEqual([
    'key of an ended one moved to one that waits, attempt 1',
    'redrive of a dead letter, attempt 1',
    'released, attempt 1',
    'running again, attempt 2',
    'running, keyed, attempt 1',
    'waiting after its lease expired, attempt 2',
  ])
})
