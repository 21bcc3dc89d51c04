// One partition during one assignment epoch: the ledger, what waits to be handed over, and which batches to believe.
//
//   locating ──learn──▶ flowing        had before: takes nothing until it is known where to go on
//   holding ───learn──▶ flowing        never had: takes batches, hands nothing over until it is known what is finished
//   flowing ──handing over failed──▶ retrying ──▶ flowing        keeps what it has, in order
//   flowing ──refused twice──▶ suspended ──▶ flowing             takes nothing while the log's bounds are looked up
//   any ──close──▶ closed
//
// Which batches to believe: one that does not begin where the last one ended may have been fetched before a join, and
// following it would jump over records that were dropped with the old epoch. So it is refused and the position sought
// again. The one exception: kafkajs itself steps over batches without visible records (compacted, aborted, markers). Its
// word is taken at once in steady state, and after a join only when it leads to the same place twice.

import type { OffsetRun } from './offset-ledger.ts'
import { PartitionLedger } from './offset-ledger.ts'
import type { Epoch, FetchedRecord } from './fetched-record.ts'
import type { PartitionLoad } from './watermark.ts'

export type PartitionPhase = 'locating' | 'holding' | 'flowing' | 'retrying' | 'suspended' | 'closed'

/** What the group has committed for a partition, decoded. */
export interface CommittedOffset {
  /** Undefined when nothing was ever committed, or the commit was reset. */
  readonly offset: number | undefined
  readonly metadata: string | null
  readonly finishedAhead: readonly OffsetRun[]
}

export type BatchVerdict = 'accept' | 'refuse' | 'ignore'

/** A partition that is assigned now. It is the epoch of its records. */
export class AssignedPartition implements Epoch, PartitionLoad {
  readonly topic: string
  readonly partition: number
  readonly ledger: PartitionLedger
  /** As kafkajs was last told. */
  isPaused = false
  /** The last commit that the broker took; undefined when unknown. */
  lastCommit: { readonly offset: number; readonly metadata: string } | undefined
  /** Something was finished since the last commit was taken. */
  isDirty = false
  /** Batches refused in a row. */
  refusals = 0
  #phase: PartitionPhase
  #bytesUnfinished = 0
  #waiting: FetchedRecord[] = []
  /** Runs that somebody else finished, lowest first. */
  #finishedElsewhere: readonly OffsetRun[] = []
  #finishedElsewhereAt = 0
  /** False until it is known where kafkajs reads: then batches are checked against the position. */
  #isStarted: boolean
  #isFreshAfterSeek = true
  #skipHint: number | undefined
  #skipHintSeen: number | undefined

  /** `formerFrontier`: where everything below was finished when this member had the partition before. */
  constructor(topic: string, partition: number, formerFrontier: number | undefined) {
    this.topic = topic
    this.partition = partition
    this.ledger = new PartitionLedger(formerFrontier ?? 0)
    this.#phase = formerFrontier === undefined ? 'holding' : 'locating'
    this.#isStarted = formerFrontier !== undefined
  }

  get isOpen(): boolean {
    return this.#phase !== 'closed'
  }

  get phase(): PartitionPhase {
    return this.#phase
  }

  /** Where kafkajs must read on; undefined when it decides (never had, nothing read yet) or nobody knows yet. */
  get seekPosition(): number | undefined {
    return this.#isStarted && this.#takesBatches() ? this.ledger.position : undefined
  }

  /** The next offset to be handed over. */
  get handedPosition(): number {
    return this.#waiting[0]?.offset ?? this.ledger.position
  }

  /** A true "all below is finished", to begin with when the partition comes back; undefined when nothing is known. */
  get knownFrontier(): number | undefined {
    return this.#isStarted ? this.ledger.frontier : undefined
  }

  get unfinished(): number {
    return this.ledger.unfinished
  }

  get tracked(): number {
    return this.ledger.tracked
  }

  get bytesUnfinished(): number {
    return this.#bytesUnfinished
  }

  get waitingCount(): number {
    return this.#waiting.length
  }

  /** Whether a batch fetched from that offset continues what was delivered. */
  judge(fetchedOffset: number): BatchVerdict {
    if (!this.#takesBatches()) return 'ignore'
    if (!this.#isStarted) this.#start(fetchedOffset)
    const isConfirmedSkip = fetchedOffset === this.#skipHint && fetchedOffset === this.#skipHintSeen
    if (isConfirmedSkip) this.ledger.skipTo(fetchedOffset)
    if (fetchedOffset === this.ledger.position) {
      this.#isFreshAfterSeek = false
      this.refusals = 0
      return 'accept'
    }
    this.#skipHintSeen = fetchedOffset === this.#skipHint ? fetchedOffset : undefined
    this.refusals += 1
    return 'refuse'
  }

  /** Notes that kafkajs was sent back to the position: what it skips from here on has to be seen twice. */
  sought(): void {
    this.#isFreshAfterSeek = true
    this.#skipHint = undefined
  }

  /** kafkajs read past records that are not visible, up to and including `lastOffset`. */
  skipped(lastOffset: number): void {
    const next = lastOffset + 1
    if (!this.#takesBatches()) return
    if (!this.#isStarted) this.#start(next)
    else if (!this.#isFreshAfterSeek) this.ledger.skipTo(next)
    else if (next > this.ledger.position) this.#skipHint = next
  }

  /** Takes an accepted batch into the ledger; records that somebody finished before are finished at once. */
  take(records: readonly FetchedRecord[], nextOffset: number): void {
    for (const record of records) {
      this.ledger.deliver(record.offset)
      if (this.#isFinishedElsewhere(record.offset)) this.ledger.finish(record.offset)
      else {
        this.#bytesUnfinished += record.bytes
        this.#waiting.push(record)
      }
    }
    this.ledger.skipTo(nextOffset)
  }

  /** Learns what the group has committed (undefined: it could not be asked) and begins to flow. */
  learn(committed: CommittedOffset | undefined): void {
    const offset = committed?.offset
    const isLocating = this.#phase === 'locating'
    if (!isLocating && this.#phase !== 'holding') return
    this.#phase = 'flowing'
    if (committed === undefined) return
    if (isLocating && (offset === undefined || offset < this.ledger.position)) this.isDirty = true
    if (offset === undefined) return
    this.lastCommit = { offset, metadata: committed.metadata ?? '' }
    this.#finishedElsewhere = [{ from: 0, to: offset }, ...committed.finishedAhead].filter(run => run.from < run.to)
    const isUntouched = isLocating || !this.#isStarted
    if (isUntouched && offset > this.ledger.position) this.ledger.startAt(offset)
    const waiting = this.#waiting
    this.#waiting = []
    for (const record of waiting) {
      if (this.#isFinishedElsewhere(record.offset)) this.finish(record.offset, record.bytes)
      else this.#waiting.push(record)
    }
  }

  /** True while kafkajs must not fetch it, whatever its load. */
  get isBlocked(): boolean {
    return this.#phase === 'locating' || this.#phase === 'retrying' || this.#phase === 'suspended'
  }

  /** Takes what waits, to hand it over; nothing unless flowing. */
  takeWaiting(): FetchedRecord[] {
    if (this.#phase !== 'flowing' || this.#waiting.length === 0) return []
    const records = this.#waiting
    this.#waiting = []
    return records
  }

  /** Puts records back whose handing over failed; they come first again. */
  giveBack(records: readonly FetchedRecord[]): void {
    if (this.#phase !== 'flowing') return
    this.#waiting = [...records.filter(record => this.ledger.isUnfinished(record.offset)), ...this.#waiting]
    this.#phase = 'retrying'
  }

  /** Tries again to hand over. */
  retry(): void {
    if (this.#phase === 'retrying') this.#phase = 'flowing'
  }

  /** Takes nothing more until {@link resumeFlow} or the partition's replacement. False when it is not flowing. */
  suspend(): boolean {
    if (this.#phase !== 'flowing') return false
    this.#phase = 'suspended'
    return true
  }

  /** Goes on after {@link suspend}. */
  resumeFlow(): void {
    if (this.#phase === 'suspended') this.#phase = 'flowing'
    this.refusals = 0
  }

  /** Marks a record finished. True the first time. */
  finish(offset: number, bytes: number): boolean {
    if (!this.ledger.finish(offset)) return false
    this.#bytesUnfinished -= bytes
    this.isDirty = true
    return true
  }

  /** Ends the epoch; what waits is dropped and comes again. */
  close(): void {
    this.#phase = 'closed'
    this.ledger.close()
    this.#waiting = []
  }

  #takesBatches(): boolean {
    return this.#phase === 'holding' || this.#phase === 'flowing' || this.#phase === 'retrying'
  }

  #start(position: number): void {
    this.ledger.startAt(position)
    this.#isStarted = true
  }

  /** Asked in rising order, so one finger into the runs is enough. */
  #isFinishedElsewhere(offset: number): boolean {
    const runs = this.#finishedElsewhere
    let run = runs[this.#finishedElsewhereAt]
    while (run !== undefined && run.to <= offset) {
      this.#finishedElsewhereAt += 1
      run = runs[this.#finishedElsewhereAt]
    }
    return run !== undefined && run.from <= offset
  }
}
