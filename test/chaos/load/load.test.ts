// The load itself, without faults but for one killed worker: it does all that it is said to do, writes all of it down, and
// comes to rest.

import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isTerminal } from '../../../src/core/activity.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { PRIORITIES } from '../../../src/core/priority.ts'
import { KafkaStorage } from '../../../src/storage/kafka/index.ts'
import { dropTopics } from '../../support/drop-topics.ts'
import { freshNamespace, kafkaBrokers, redisUrl } from '../../support/stack.ts'
import type { HistoryLine, LedgerLine } from '../evidence.ts'
import {
  HistoryFile,
  LineTail,
  historyPath,
  processesPath,
  readHistory,
  readLedger,
  readLines,
  readOffsets,
  readProcesses,
} from './evidence-file.ts'
import type { FleetOptions, UnexpectedExit } from './fleet.ts'
import { Fleet } from './fleet.ts'
import type { RestReport } from './rest.ts'
import { comeToRest } from './rest.ts'
import { OffsetSampler } from './sampler.ts'

const ACCEPTED = 400
const LOOK_MS = 100

const dir = mkdtempSync(join(tmpdir(), 'errand-load-'))
const namespace = freshNamespace('load')
const servers = { namespace, brokers: kafkaBrokers(), redisUrl: redisUrl(), partitions: 2 }
const options: FleetOptions = {
  ...{ ...servers, replicationFactor: null, dir, seed: 20, rate: 50, producers: 1, workers: 2, reapers: 1 },
  ...{ leaseMs: 2_500, sessionTimeoutMs: 1_500, reapIntervalMs: 200, graceMs: 5_000 },
}
let storage: KafkaStorage
let history: HistoryLine[]
let ledger: LedgerLine[]
let rest: RestReport
let exits: readonly UnexpectedExit[]
let looks = 0
let killed = ''

beforeAll(async () => {
  await using fleet = await Fleet.start(options)
  storage = await KafkaStorage.open(servers)
  await using sampler = new OffsetSampler({ ...servers, dir })
  await until(() => fleet.accepted() >= ACCEPTED / 2)
  const victim = fleet.pids('worker')[0]
  if (victim !== undefined) process.kill(victim.pid, 'SIGKILL')
  killed = victim?.name ?? 'nobody'
  await until(() => fleet.accepted() >= ACCEPTED && fleet.pids('worker').length === 2)
  await fleet.stopKind('producer')
  rest = await comeToRest({ storage, redisUrl: redisUrl(), namespace, progress: fleet.progress, withinMs: 60_000 })
  await Promise.all([fleet.stopKind('worker'), fleet.stopKind('reaper')])
  exits = fleet.exits
  looks = sampler.report.looks
  history = readHistory(dir)
  ledger = readLedger(dir)
}, 120_000)

afterAll(async () => {
  await storage.close()
  await dropTopics(namespace)
  rmSync(dir, { recursive: true, force: true })
})

test('the load comes to rest with nothing stuck, and nobody died but who was killed', () => {
  expect(exits).toEqual([])
  expect(rest).toMatchObject({ isAtRest: true, stuck: [], left: { leases: 0, due: 0, reservations: 0, open: 0 } })
})

test('histories have no holes, whoever was killed', () => {
  const processes = readProcesses(dir)
  expect(processes.filter(({ what }) => what === 'start').map(({ name }) => name)).toContain('worker-3')
  expect(processes.filter(({ signal }) => signal === 'SIGKILL').map(({ name }) => name)).toEqual([killed])
  const bySeq = Map.groupBy(history, ({ proc }) => proc)
  expect([...bySeq.keys()].toSorted()).toEqual(['producer-1', 'worker-1', 'worker-2', 'worker-3'])
  for (const lines of bySeq.values()) expect(lines.map(({ seq }) => seq)).toEqual(lines.map((_, at) => at + 1))
})

test('every activity that was accepted has ended, most of them in a history and the rest in the log', async () => {
  const created = new Set(history.flatMap(line => (isCreated(line) ? [line.id] : [])))
  const ended = new Set(history.flatMap(line => (isEnd(line) ? [line.id] : [])))
  const unseen = [...created].filter(id => !ended.has(id))
  expect(created.size).toBeGreaterThan(ACCEPTED * 0.9)
  expect(unseen.length).toBeLessThan(ACCEPTED / 10)
  for (const id of unseen) {
    const events = await storage.getEvents({ id })
    expect(events.filter(({ type }) => isTerminal(type as 'completed'))).toHaveLength(1)
  }
})

test('every plan, priority, kind of enqueue and kind of end occurs', () => {
  const invoked = history.filter(line => line.op === 'enqueue' && line.phase === 'invoke')
  expect(kindsOf(invoked, ({ plan }) => plan.kind)).toEqual(['complete', 'doomed', 'flaky', 'refuse', 'slow'])
  expect(kindsOf(invoked, ({ priority }) => priority)).toEqual(PRIORITIES.toSorted())
  expect(kindsOf(invoked, ({ onDuplicate }) => onDuplicate ?? '')).toHaveLength(5)
  expect(invoked.some(({ dueAtMs }) => dueAtMs !== null)).toBe(true)
  const answers = history.filter(line => line.phase === 'answer')
  expect(kindsOf(answers, ({ op, outcome }: { op: string; outcome?: string }) => `${op} ${outcome ?? ''}`)).toEqual(
    expect.arrayContaining([
      ...['enqueue created', 'enqueue existing', 'enqueue refused', 'cancel cancelled', 'redrive ok', 'claim '],
      ...['settle settled', 'settle retrying', 'settle failed', 'settle dead_letter', 'result value', 'renew renewed'],
    ]),
  )
})

test('handlers write the lease that their claim was given, and an end only for what they did', () => {
  const leases = new Map(history.flatMap(line => (line.op === 'claim' ? [[line.leaseId, line] as const] : [])))
  const starts = ledger.filter(({ what }) => what === 'start')
  for (const { leaseId, id, attempt } of starts) expect(leases.get(leaseId)).toMatchObject({ id, attempt })
  const done = history.filter(line => line.op === 'settle' && line.phase === 'answer' && line.outcome === 'settled')
  const ends = new Set(ledger.flatMap(({ what, leaseId }) => (what === 'end' ? [leaseId] : [])))
  expect(done.filter(line => line.op === 'settle' && !ends.has(line.leaseId))).toEqual([])
})

test('offsets are sampled for every lane and the schedule, and end where everything is committed', () => {
  const last = new Map(readOffsets(dir).map(sample => [`${sample.topic}:${sample.partition}`, sample]))
  expect(last.size).toBe((2 * 4 + 1) * 2)
  for (const { low, committed, high } of last.values()) {
    expect(low).toBeLessThanOrEqual(high)
    expect(committed).toBeLessThanOrEqual(high)
  }
  expect(looks).toBeGreaterThan(3)
  expect([...last.values()].some(({ committed }) => committed > 0)).toBe(true)
})

test('a process that dies by itself is a finding, and another follows it', async () => {
  await using fleet = await Fleet.start({ ...options, ...{ dir: join(dir, 'dying'), producers: 0, workers: 0 } })
  const [victim] = fleet.pids('reaper')
  process.kill(victim?.pid ?? 0, 'SIGABRT')
  await until(() => fleet.pids('reaper').some(({ name }) => name === 'reaper-2'))
  expect(fleet.exits).toMatchObject([{ name: 'reaper-1', why: 'it was ended by SIGABRT' }])
})

test('a fleet whose processes cannot work does not start, and says what they said', async () => {
  const hopeless = { dir: join(dir, 'hopeless'), producers: 0, reapers: 0, workers: 1, leaseMs: 10 }
  await expect(Fleet.start({ ...options, ...hopeless })).rejects.toThrow(/worker-1 does not work.*leaseMs is 10/s)
})

test('a torn last line is left out of a killed history, and is an error in any other', () => {
  const torn = mkdtempSync(join(tmpdir(), 'errand-torn-'))
  try {
    const file = new HistoryFile(torn, 'worker-9')
    file.note({ op: 'cancel', phase: 'invoke', id: 'a' })
    const tail = new LineTail<HistoryLine>(historyPath(torn, 'worker-9'))
    expect(tail.read().map(({ seq }) => seq)).toEqual([1])
    file.note({ op: 'cancel', phase: 'invoke', id: 'bä' })
    const { length } = `${JSON.stringify(readLines(historyPath(torn, 'worker-9'), false)[0])}\n`
    truncateSync(historyPath(torn, 'worker-9'), length + 20)
    expect(tail.read()).toEqual([])
    const exit = (signal: string | null): void =>
      writeFileSync(processesPath(torn), `${JSON.stringify({ name: 'worker-9', signal })}\n`)
    exit('SIGKILL')
    expect(readHistory(torn).map(({ seq }) => seq)).toEqual([1])
    exit(null)
    expect(() => readHistory(torn)).toThrow(/serialization.*line 2 of history-worker-9/)
  } finally {
    rmSync(torn, { recursive: true, force: true })
  }
})

function isCreated(line: HistoryLine): boolean {
  return line.op === 'enqueue' && line.phase === 'answer' && line.outcome === 'created'
}

function isEnd(line: HistoryLine): boolean {
  if (line.phase !== 'answer') return false
  if (line.op === 'cancel') return line.outcome === 'cancelled'
  return line.op === 'settle' && (line.outcome === 'settled' || isTerminal(line.outcome as 'completed'))
}

function kindsOf<T>(all: readonly T[], of: (each: T) => string): string[] {
  return [...new Set(all.map(of))].toSorted()
}

async function until(holds: () => boolean): Promise<void> {
  const limitMs = systemClock.monotonicMs() + 60_000
  while (!holds()) {
    if (systemClock.monotonicMs() > limitMs) throw new Error('the load did not get so far within a minute')
    await systemClock.sleep(LOOK_MS)
  }
}
