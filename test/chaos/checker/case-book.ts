// The case files of a run: histories, ledger and topics, each line put where it belongs. One pass over each, so O(n).

import type { Evidence, HistoryLine } from '../evidence.ts'
import type { Call, CaseFile, EnqueueCall, Ending, Lease, LiveRecord, SettleCall } from './case-file.ts'
import { emptyCaseFile } from './case-file.ts'
import { redriveSpecs } from './redrives.ts'
import { RedisClock } from './redis-clock.ts'
import type { TopicRecords } from './topic-records.ts'
import { topicRecords } from './topic-records.ts'
import { FaultWindows } from './windows.ts'

/** Everything that is known of a run, in the order in which the checks ask. */
export interface CaseBook {
  readonly evidence: Evidence
  readonly files: ReadonlyMap<string, CaseFile>
  readonly leases: ReadonlyMap<string, Lease>
  /** Leases under whose id another attempt, or another activity, was claimed: none if all is well. */
  readonly reusedLeases: readonly Lease[]
  readonly clock: RedisClock
  readonly windows: FaultWindows
  readonly records: TopicRecords
  /** Activities for which a redrive was asked, and nobody was told the new id. */
  readonly unansweredRedrives: number
}

/** Opens the case files of a run. */
export function openCaseBook(evidence: Evidence): CaseBook {
  const files = new Map<string, CaseFile>()
  const fileOf = (id: string): CaseFile => {
    const known = files.get(id)
    if (known !== undefined) return known
    const file = emptyCaseFile(id)
    files.set(id, file)
    return file
  }
  const records = topicRecords(evidence)
  const history = new HistoryReader(fileOf)
  const lines = inOrder(evidence.history)
  // Claims first: whatever else is said of a lease may stand in the history of another process.
  for (const line of lines) if (line.op === 'claim') history.claim(line)
  for (const line of lines) history.take(line)
  for (const line of evidence.ledger) fileOf(line.id)[line.what === 'start' ? 'starts' : 'ends'].push(line)
  for (const ending of records.endings) addEnding(fileOf(ending.id), ending)
  for (const letter of records.deadLetters) fileOf(letter.id).deadLetters.push(letter)
  for (const record of liveRecords(evidence, records)) fileOf(record.id).live.push(record)
  for (const file of files.values()) {
    file.leases = [...file.leases].sort((a, b) => a.startedAtMs - b.startedAtMs || a.attempt - b.attempt)
    file.endings.sort((a, b) => a.offset - b.offset)
  }
  return {
    ...{ evidence, files, records },
    leases: history.leases,
    reusedLeases: history.reused,
    clock: RedisClock.of(evidence.history),
    windows: new FaultWindows(evidence),
    unansweredRedrives: redriveSpecs(evidence, fileOf),
  }
}

/** By process and number, so that an answer comes after its call, however the files were put together. */
function inOrder(history: readonly HistoryLine[]): HistoryLine[] {
  return [...history].sort((a, b) => (a.proc < b.proc ? -1 : a.proc > b.proc ? 1 : a.seq - b.seq))
}

/** Puts history lines where they belong, and joins answers to their calls. */
class HistoryReader {
  readonly leases = new Map<string, Lease>()
  readonly reused: Lease[] = []
  readonly #fileOf: (id: string) => CaseFile
  readonly #enqueues = new Map<string, EnqueueCall>()
  readonly #settles = new Map<string, SettleCall>()

  constructor(fileOf: (id: string) => CaseFile) {
    this.#fileOf = fileOf
  }

  claim(claim: Call<'claim', 'answer'>): void {
    const known = this.leases.get(claim.leaseId)
    if (known?.id === claim.id && known.attempt === claim.attempt) {
      known.repeats.push(claim)
      return
    }
    const { id, leaseId, attempt, proc, startedAtMs, mono } = claim
    const lists = { repeats: [], settles: [], releases: [], renewals: [] }
    const lease: Lease = { id, leaseId, attempt, proc, startedAtMs, claimedMono: mono, claim, ...lists }
    if (known !== undefined) this.reused.push(lease)
    else this.leases.set(leaseId, lease)
    this.#fileOf(id).leases.push(lease)
  }

  take(line: HistoryLine): void {
    switch (line.op) {
      case 'enqueue':
        return line.phase === 'invoke' ? this.#enqueue(line) : this.#enqueued(line)
      case 'claim': // taken before
        return
      case 'settle':
        return line.phase === 'invoke' ? this.#settle(line) : this.#settled(line)
      case 'renew':
        this.leases.get(line.leaseId)?.renewals.push(line)
        return
      case 'release':
        this.leases.get(line.leaseId)?.releases.push(line)
        return
      case 'cancel':
        if (line.phase === 'answer') this.#fileOf(line.id).cancels.push(line)
        else this.#fileOf(line.id).isCancelAsked = true
        return
      case 'result':
        this.#fileOf(line.id).results.push(line)
        return
      case 'redrive': // needs the files of all originals: see redrives.ts
    }
  }

  #enqueue(invoke: Call<'enqueue', 'invoke'>): void {
    const file = this.#fileOf(invoke.id)
    const call: EnqueueCall = { invoke, answer: null }
    file.enqueues.push(call)
    file.spec ??= invoke
    this.#enqueues.set(`${invoke.proc} ${invoke.id}`, call)
  }

  #enqueued(answer: Call<'enqueue', 'answer'>): void {
    const call = this.#enqueues.get(`${answer.proc} ${answer.id}`)
    if (call !== undefined) call.answer = answer
    if (answer.outcome === 'created') accept(this.#fileOf(answer.id), answer.mono)
    // To be told that it exists is to be told that it is accepted, whoever enqueued it.
    else if (answer.outcome === 'existing' && answer.existingId !== null) {
      accept(this.#fileOf(answer.existingId), answer.mono)
    }
  }

  #settle(invoke: Call<'settle', 'invoke'>): void {
    const call: SettleCall = { invoke, answer: null }
    this.leases.get(invoke.leaseId)?.settles.push(call)
    this.#settles.set(`${invoke.proc} ${invoke.leaseId}`, call)
  }

  #settled(answer: Call<'settle', 'answer'>): void {
    const call = this.#settles.get(`${answer.proc} ${answer.leaseId}`)
    if (call !== undefined) call.answer = answer
  }
}

function accept(file: CaseFile, mono: number): void {
  file.acceptedMono = Math.min(file.acceptedMono ?? mono, mono)
}

function addEnding(file: CaseFile, ending: Ending): void {
  const same = file.endings.find(known => isSameEnd(known, ending))
  if (same === undefined) file.endings.push(ending)
  else same.copies += 1
}

/**
 * Records that say the same of an attempt's end. A reaper that continues another's work has a token and a time of its own, and
 * who publishes a cancel again names its token where the first named none: both are copies.
 */
function isSameEnd(a: Ending, b: Ending): boolean {
  if (a.attempt !== b.attempt || a.outcome !== b.outcome) return false
  if (a.outcome === 'cancelled' || (a.isReaped && b.isReaped)) return true
  return (
    a.leaseId === b.leaseId &&
    a.endedAtMs === b.endedAtMs &&
    a.nextAttemptAtMs === b.nextAttemptAtMs &&
    a.resultJson === b.resultJson
  )
}

/** Lane records at or above what is committed, and delay records that nothing has taken out. */
function* liveRecords({ topics }: Evidence, { lanes, delays }: TopicRecords): Generator<LiveRecord> {
  const frontiers = new Map(
    topics.partitions.map(({ topic, partition, committed, low }) => [
      `${topic}/${partition}`,
      Math.max(committed ?? 0, low),
    ]),
  )
  for (const record of lanes) {
    if (record.offset >= (frontiers.get(`${record.topic}/${record.partition}`) ?? 0)) yield record
  }
  const latest = new Map(delays.map(record => [record.key, record]))
  for (const { isTombstone, key: _, ...record } of latest.values()) if (!isTombstone) yield record
}
