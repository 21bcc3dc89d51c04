// A rebuild while the world goes on: workers settle, keys are reserved, the process is killed, and history is older than what
// Redis remembers.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineActivity } from '../../src/client/define-activity.ts'
import { systemClock } from '../../src/core/clock.ts'
import type { RebuildPhase, RebuildProgress } from '../../src/storage/kafka/index.ts'
import { Keys } from '../../src/storage/redis/keys.ts'
import { markerFields } from '../../src/storage/redis/marker-text.ts'
import { Worker } from '../../src/worker/worker.ts'
import { countOutcomes, ObservedNamespace, settledTwice } from '../support/observed-namespace.ts'
import { outcomeOf, writeOutcomes } from '../support/outcome-log.ts'
import { PARKED, RebuildGround, WORK } from '../support/rebuild-ground.ts'
import { dumpNamespace, emptyNamespace } from '../support/redis-dump.ts'

const HOUR_MS = 3_600_000
const CHILD = fileURLToPath(new URL('../support/rebuild-child.ts', import.meta.url))
const CLI = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

let ground: RebuildGround
beforeAll(async () => {
  ground = await RebuildGround.open()
})
afterAll(() => ground[Symbol.asyncDispose]())

describe('keys', () => {
  test.each(['a new one', 'since:1'])('that were reserved since Redis was emptied stay: %s', async idSince => {
    const key = `again ${idSince}`
    const spec = { type: PARKED, key, onDuplicate: 'return_existing' } as const
    const before = await ground.enqueue(spec)
    await emptyNamespace(ground.redis, ground.namespace)
    // Nobody knows the key now, so it is given away once more. What is scheduled is read before what waits in a lane.
    const since = await ground.enqueue({
      ...spec,
      delayMs: HOUR_MS,
      ...(idSince === 'a new one' ? {} : { id: idSince }),
    })
    await ground.storage.rebuild({ restart: true })
    expect(await ground.storage.lookupKey({ type: PARKED, key })).toBe(since.id)
    // Both are remembered: who sends one of them again is told so.
    expect(await ground.storage.enqueueMany({ activities: [before, since] })).toEqual([
      { outcome: 'existing', id: before.id },
      { outcome: 'existing', id: since.id },
    ])
  })

  test('whose activity ends while the schedule is read are not missed, and say so', async () => {
    const waits = await ground.enqueue({ key: 'ends meanwhile' })
    await emptyNamespace(ground.redis, ground.namespace)
    const child = spawnChild(ground, { standsAt: 'schedule' })
    const ended = once(child, 'exit')
    await once(child.stdout, 'data')
    await ground.complete(waits.id, '"done"')
    // Finished, committed and gone from its lane before the rebuild comes to the lanes.
    while ((await ground.storage.trimLanes()) === 0) await systemClock.sleep(20)
    child.stdin.end('\n')
    expect(await ended).toEqual([0, null])
    expect(await ground.redis.hget(new Keys(ground.namespace).keyEntry(WORK, 'ends meanwhile'), 'st')).toBe('succeeded')
    expect(await ground.storage.lookupKey({ type: WORK, key: 'ends meanwhile' })).toBe(waits.id)
  })
})

test('one that was cancelled is not waited for when its lane record was seen before the rebuild came to it', async () => {
  // Committed much later: for the rebuild the record is not finished.
  await using slow = await RebuildGround.open({ commitIntervalMs: 60_000 })
  const keys = new Keys(slow.namespace)
  const { id } = await slow.enqueue()
  await slow.cancel(id, 'cancelled')
  await emptyNamespace(slow.redis, slow.namespace)
  const isCancelledAndSeen = async (): Promise<boolean> => {
    const marker = markerFields(await slow.redis.getBuffer(keys.marker(id)))
    return marker?.s === 'cancelled' && marker.u === undefined
  }
  for (let looks = 0; !(await isCancelledAndSeen()); looks++) {
    expect(looks).toBeLessThan(50)
    await slow.claimNothing()
  }
  expect(await slow.storage.rebuild()).toMatchObject({ activities: 1, unseen: 0 })
  expect((await slow.storage.stats()).pending).toBe(0)
})

test('nor when that was before Redis was emptied, and is committed only now', async () => {
  await using slow = await RebuildGround.open({ commitIntervalMs: 3_000 })
  const keys = new Keys(slow.namespace)
  const { id } = await slow.enqueue()
  await slow.cancel(id, 'cancelled')
  await slow.claimNothing()
  expect((await slow.storage.stats()).pending).toBe(0)
  await emptyNamespace(slow.redis, slow.namespace)
  expect(await slow.storage.rebuild()).toMatchObject({ unseen: 0 })
  expect(markerFields(await slow.redis.getBuffer(keys.marker(id)))?.s).toBe('cancelled')
  // Nobody meets its record again: it goes by itself.
  expect(await slow.redis.pttl(keys.marker(id))).toBeGreaterThan(HOUR_MS)
  expect(await slow.redis.hgetall(keys.unseenCounts)).toEqual({})
})

test('a Redis that is emptied under workers is rebuilt while they work: all ends once, all results are there', async () => {
  const work = defineActivity({ type: 'work', input: z.number(), output: z.number() })
  await using observed = await ObservedNamespace.open({ types: [work.type] })
  await using storage = await observed.openAnother({ commitIntervalMs: 100 })
  const worker = new Worker({ storage, concurrency: 20, leaseMs: 5_000, reaper: { intervalMs: 200 } })
  worker.handle(work, input => Promise.resolve(input * 2))
  const first = await observed.enqueueAll(
    work,
    Array.from({ length: 400 }, (_, n) => n),
  )
  await worker.start()
  await observed.ended(first.slice(0, 100))
  await emptyNamespace(ground.redis, observed.namespace)
  const [later] = await Promise.all([
    observed.enqueueAll(
      work,
      Array.from({ length: 200 }, (_, n) => n),
    ),
    observed.storage.rebuild(),
  ])
  const ids = [...first, ...later]
  await observed.ended(ids)
  await worker.stop()
  await observed.storage.rebuild({ restart: true })
  const results = await Promise.all(ids.map(id => observed.storage.getResult({ id })))
  expect(results.map(result => result?.dataJson)).toEqual(
    [...Array.from({ length: 400 }, (_, n) => n), ...Array.from({ length: 200 }, (_, n) => n)].map(n => String(n * 2)),
  )
  // What ran at that moment may have run and settled again, since its fence was gone; what had ended before has not.
  const doubled = settledTwice(await observed.outcomes())
  expect(doubled.length).toBeLessThanOrEqual(20)
  expect(countOutcomes(await observed.outcomes())).toEqual({ completed: 600 })
  const { completed, running, pending } = await observed.storage.stats()
  expect({ completed, running, pending }).toEqual({ completed: 600, running: 0, pending: 0 })
})

describe('a long history', () => {
  const COUNT = 18_000
  let long: RebuildGround
  beforeAll(async () => {
    long = await RebuildGround.open()
    const nowMs = systemClock.nowMs()
    const outcomes = Array.from({ length: COUNT }, (_, n) =>
      outcomeOf({
        id: `h-${n}`,
        endedAtMs: nowMs - HOUR_MS - n,
        resultJson: String(n),
        ...(n % 3 === 0 ? { key: { key: `k-${n}`, onDuplicate: 'return_existing' as const } } : {}),
      }),
    )
    await writeOutcomes(long.namespace, 2, outcomes)
  })
  afterAll(() => long[Symbol.asyncDispose]())

  async function expectAll(): Promise<void> {
    const dump = await dumpNamespace(long.redis, long.namespace)
    const markers = [...dump].filter(([key]) => key.startsWith('m:h-'))
    expect(markers.length).toBe(COUNT)
    expect(markers.filter(([key, { fields }]) => fields['r'] !== `ok|${key.slice('m:h-'.length)}`)).toEqual([])
    expect([...dump.keys()].filter(key => key.startsWith('key:')).length).toBe(COUNT / 3)
    // What is left of a day after the hour that has passed, and no fresh one.
    const lives = [...dump].flatMap(([key, { ttlMs }]) => (/^(m|key):/.test(key) ? [ttlMs] : []))
    expect(Math.max(...lives)).toBeLessThanOrEqual(23 * HOUR_MS)
    expect(Math.min(...lives)).toBeGreaterThan(22.9 * HOUR_MS)
    const { completed } = await long.storage.stats()
    expect(completed).toBe(COUNT)
  }

  test('is gone on with where a rebuild was killed, and counted once', async () => {
    const child = spawnChild(long, { diesAt: 0.4 })
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL'])
    const killedAt = await dumpNamespace(long.redis, long.namespace)
    const written = [...killedAt.keys()].filter(key => key.startsWith('m:h-')).length
    expect(written).toBeGreaterThanOrEqual(COUNT * 0.4)
    expect(written).toBeLessThan(COUNT)

    const seen: RebuildProgress[] = []
    const report = await long.storage.rebuild({ onProgress: progress => seen.push(progress) })
    expect(seen[0]).toMatchObject({ phase: 'outcomes', total: COUNT })
    expect(seen[0]?.done).toBeGreaterThanOrEqual(COUNT * 0.4)
    expect(report.isContinued).toBe(true)
    // Nothing of what lies below the position was read again.
    expect(report.outcomes).toBe(COUNT - (seen[0]?.done ?? 0))
    await expectAll()
  })

  test('is begun anew by one that is told to, and by the one after one that has finished', async () => {
    for (const params of [{ restart: true }, {}]) {
      const report = await long.storage.rebuild(params)
      expect(report).toMatchObject({ outcomes: COUNT, markers: 0, keys: 0, isContinued: false })
    }
    await expectAll()
  })

  test('is stopped by a signal, and gone on with', async () => {
    await emptyNamespace(long.redis, long.namespace)
    const stopping = new AbortController()
    const stopped = long.storage.rebuild({
      signal: stopping.signal,
      onProgress: ({ done, total }) => {
        if (done > total / 4) stopping.abort()
      },
    })
    await expect(stopped).rejects.toMatchObject({ code: 'cancelled' })
    const report = await long.storage.rebuild()
    expect(report.isContinued).toBe(true)
    expect(report.outcomes).toBeLessThan(COUNT)
    await expectAll()
  })

  test('is begun anew where Redis was emptied since', async () => {
    await long.storage.rebuild({ signal: AbortSignal.abort() }).catch(() => undefined)
    await emptyNamespace(long.redis, long.namespace)
    expect(await long.storage.rebuild()).toMatchObject({ outcomes: COUNT, markers: COUNT, isContinued: false })
    await expectAll()
  })

  test('is rebuilt by the command, which says so', async () => {
    await emptyNamespace(long.redis, long.namespace)
    const { code, out, err } = await command('rebuild', '--json', ...serversOf(long))
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ outcomes: COUNT, markers: COUNT, results: COUNT, keys: COUNT / 3 })
    expect(err).toMatch(/^outcomes: 0 of 18,000 \(0 %\)/m)
    expect(err).toMatch(/^outcomes: 18,000 of 18,000 \(100 %\), [\d,]+ a second$/m)
    await expectAll()
  })

  test('is left where the interrupted command came to', async () => {
    await emptyNamespace(long.redis, long.namespace)
    const running = startCommand('rebuild', ...serversOf(long))
    running.child.stderr.once('data', () => running.child.kill('SIGINT'))
    const { code, err } = await running.ended
    expect({ code, err }).toEqual({ code: 130, err: expect.stringMatching(/interrupted\n$/) as string })
    const { code: next, out } = await command('rebuild', ...serversOf(long))
    expect(next).toBe(0)
    expect(out).toMatch(/Read [\d,]+ outcomes/)
    await expectAll()
  })
})

describe('what ended longer ago than Redis remembers', () => {
  test('is not restored, but who was cancelled and still waits is, and what was redriven, and retries to come', async () => {
    await using old = await RebuildGround.open()
    const endedAtMs = systemClock.nowMs() - 48 * HOUR_MS
    const waiting = old.make({ type: PARKED })
    const error = { name: 'Cancelled', message: 'no', code: 'cancelled' }
    const cancelled = {
      outcome: 'cancelled',
      startedAtMs: null,
      leaseId: null,
      worker: null,
      error,
      endedAtMs,
    } as const
    await writeOutcomes(old.namespace, 2, [
      outcomeOf({ id: 'long-ago', endedAtMs, key: { key: 'k', onDuplicate: 'no_reuse' } }),
      outcomeOf({ ...cancelled, id: waiting.id, type: PARKED }),
      outcomeOf({ ...cancelled, id: 'cancelled-and-seen' }),
      outcomeOf({ id: 'again', endedAtMs, redriveOf: 'redriven' }),
      outcomeOf({ id: 'to-come', endedAtMs, outcome: 'retrying', nextAttemptAtMs: endedAtMs + 72 * HOUR_MS }),
      outcomeOf({ id: 'came', endedAtMs, outcome: 'retrying', nextAttemptAtMs: endedAtMs + HOUR_MS }),
    ])
    await old.storage.enqueueMany({ activities: [waiting] })
    await old.storage.rebuild()

    const dump = await dumpNamespace(old.redis, old.namespace)
    expect([...dump.keys()].filter(key => /^(m|key):/.test(key)).sort()).toEqual(
      [`m:${waiting.id}`, 'm:cancelled-and-seen', 'm:redriven', 'm:to-come'].sort(),
    )
    expect(dump.get(`m:${waiting.id}`)).toMatchObject({ ttlMs: -1, fields: { s: 'cancelled' } })
    expect(dump.get('m:cancelled-and-seen')?.ttlMs).toBeGreaterThan(HOUR_MS)
    expect(dump.get('m:redriven')).toMatchObject({ fields: { rd: 'again', rp: '1' } })
    expect(dump.get('unseen')?.fields).toEqual({ 'parked|normal': '1' })
    const marker = markerFields(await old.redis.getBuffer(new Keys(old.namespace).marker('redriven')))
    expect(marker?.s).toBeUndefined()
  })
})

/** A rebuild in a process of its own. */
function spawnChild({ options }: RebuildGround, what: { diesAt?: number; standsAt?: RebuildPhase }) {
  const args = [CHILD, JSON.stringify(options), JSON.stringify(what)]
  return spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
}

function serversOf({ options }: RebuildGround): string[] {
  const { namespace, brokers, redisUrl } = options
  return ['--namespace', namespace, '--brokers', brokers.join(','), '--redis', redisUrl]
}

function startCommand(...args: string[]) {
  const child = spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString('utf8')))
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString('utf8')))
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, out, err }))
  return { child, ended }
}

function command(...args: string[]) {
  return startCommand(...args).ended
}
