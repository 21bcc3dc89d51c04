// Makes the evidence of a run by hand, for tests of the checker: each step writes what real processes, Kafka and Redis would
// have left behind. Times are ms since the run began; Redis's clock and the monotonic one differ by a constant.

import { createHash } from 'node:crypto'

import type { AttemptOutcome } from '../../../src/core/activity.ts'
import type {
  CallLine,
  DumpedRecord,
  Evidence,
  FaultLine,
  HistoryLine,
  LedgerLine,
  Plan,
  RunInfo,
} from '../evidence.ts'
import { LaneLog, PARTITIONS, partitionOf } from './lane-log.ts'

const MONO_0 = 10_000
const REDIS_0 = Date.UTC(2026, 0, 1)

/** What an activity is enqueued as. */
export interface Wanted {
  readonly id: string
  readonly type: 'alpha' | 'beta'
  readonly priority: 'critical' | 'high' | 'normal' | 'low'
  readonly plan: Plan['kind']
  readonly key: string | null
  readonly onDuplicate: 'return_existing' | 'no_reuse' | 'allow_reuse' | 'allow_reuse_on_failure' | null
  /** Since the run began; null: at once. */
  readonly due: number | null
  readonly maxAttempts: number
  readonly retryDelayMs: number
  readonly redriveOf: string | null
}

/** A step of an attempt: who runs it, from when to when, and how it ends. */
export interface Attempted {
  readonly attempt: number
  readonly proc: string
  readonly from: number
  /** Null: its process never came so far as to settle. */
  readonly to: number | null
  readonly want: Extract<CallLine, { op: 'settle'; phase: 'invoke' }>['want']
  /** Its settlement was refused. */
  readonly isLost?: boolean
  /** When its effect was done, of one that was never settled. */
  readonly doneAt?: number
  /** Renewed at these times, each for the whole length. */
  readonly renewals?: readonly number[]
}

type Stats = Record<'completed' | 'failed' | 'dead_letter' | 'cancelled', number>

/** Builds evidence. */
export class RunBuilder {
  readonly run: RunInfo
  readonly #lines: (CallLine & { mono: number; proc: string })[] = []
  readonly #ledger: LedgerLine[] = []
  readonly #faults: FaultLine[] = []
  readonly #lanes: LaneLog
  readonly #others: DumpedRecord[] = []
  readonly #ends = new Map<string, number>()
  readonly #markers: Record<string, Record<string, string>> = {}
  #leases = 0

  constructor(run: Pick<RunInfo, 'faults' | 'redisLosses' | 'seconds'>) {
    this.run = {
      ...{ namespace: 'sound', types: ['alpha', 'beta'], seed: 1, brokers: 1, partitions: PARTITIONS, rate: 1 },
      ...{ leaseMs: 2_000, reapIntervalMs: 250, sessionTimeoutMs: 1_500, startedMono: MONO_0, ...run },
      redisLosses: run.redisLosses.map(({ fromMono, toMono }) => ({
        fromMono: MONO_0 + fromMono,
        toMono: MONO_0 + toMono,
      })),
      healedMono: MONO_0 + run.seconds * 1_000,
      restedMono: MONO_0 + run.seconds * 1_000 + 2_000,
    }
    this.#lanes = new LaneLog(this.run.namespace)
  }

  /** An activity; what is left out is ordinary. */
  wanted(id: string, wanted: Partial<Omit<Wanted, 'id'>> = {}): Wanted {
    return {
      ...{ type: 'alpha', priority: 'normal', plan: 'complete', key: null, onDuplicate: null, due: null },
      ...{ maxAttempts: 3, retryDelayMs: 100, redriveOf: null, ...wanted },
      id,
    }
  }

  /** Enqueues it: the call, its answer, and the record when it is accepted. */
  enqueue(wanted: Wanted, at: number, answer: EnqueueAnswer = { outcome: 'created' }, proc = 'producer-1'): void {
    const { id, type, priority, plan, key, onDuplicate, due, maxAttempts, retryDelayMs } = wanted
    this.#call(proc, at, {
      ...{ op: 'enqueue', phase: 'invoke', id, type, priority, key, onDuplicate, maxAttempts, retryDelayMs },
      ...{ retryDelayMaxMs: 3_600_000, dueAtMs: due === null ? null : REDIS_0 + due },
      payloadSha: createHash('sha256').update(payloadOf(wanted)).digest('hex'),
      plan: { kind: plan, ms: 0, failures: 1 },
    })
    const { outcome, existingId = null } = answer
    if (outcome !== null) this.#call(proc, at + 5, { op: 'enqueue', phase: 'answer', id, outcome, existingId })
    if (outcome === 'existing' || outcome === 'refused') return
    if (due === null) this.#lanes.write(wanted, 1, at + 4, this.#record(wanted, 1, null))
    else this.#delay(wanted, 1, due)
  }

  /** Claims an attempt, runs it and settles it. Gives the lease's id. */
  attempt(wanted: Wanted, attempted: Attempted): string {
    const { id } = wanted
    const { attempt, proc, from, to, want, isLost = false, renewals = [] } = attempted
    const leaseId = this.#claim(wanted, attempt, proc, from)
    const line = { proc, pid: 1, id, attempt, leaseId }
    this.#ledger.push({ what: 'start', mono: MONO_0 + from + 2, ...line })
    for (const at of renewals) {
      const deadlineMs = REDIS_0 + at + this.run.leaseMs
      this.#call(proc, at + 1, { op: 'renew', phase: 'answer', id, leaseId, outcome: 'renewed', deadlineMs })
    }
    if (attempted.doneAt !== undefined) this.#ledger.push({ what: 'end', mono: MONO_0 + attempted.doneAt, ...line })
    if (to === null) return leaseId
    if (want === 'success') this.#ledger.push({ what: 'end', mono: MONO_0 + to - 2, ...line })
    this.#call(proc, to - 1, { op: 'settle', phase: 'invoke', id, leaseId, want })
    const outcome = this.#decide(wanted, attempt, want)
    if (!isLost) this.#end(wanted, { attempt, outcome, leaseId, from, at: to })
    const told = outcome === 'completed' ? 'settled' : outcome
    this.#call(proc, to + 3, {
      ...{ op: 'settle', phase: 'answer', id, leaseId, retryAtMs: null },
      outcome: isLost ? 'lease_lost' : (told as 'settled'),
    })
    return leaseId
  }

  /** The lease of an attempt runs out, and a reaper makes the next one. */
  expire(wanted: Wanted, attempt: number, from: number, at: number): void {
    const outcome = attempt < wanted.maxAttempts ? 'lease_expired' : 'dead_letter'
    this.#end(wanted, { attempt, outcome, leaseId: `reaper-${at}`, from, at })
  }

  /** An attempt is given back, and its record stays. */
  release(wanted: Wanted, leaseId: string, proc: string, at: number): void {
    this.#call(proc, at, { op: 'release', phase: 'answer', id: wanted.id, leaseId, outcome: 'released' })
  }

  /** Cancels what waits. */
  cancel(wanted: Wanted, attempt: number, at: number): void {
    this.#call('producer-1', at, { op: 'cancel', phase: 'invoke', id: wanted.id })
    this.#end(wanted, { attempt, outcome: 'cancelled', leaseId: null, from: null, at: at + 2 })
    this.#call('producer-1', at + 5, { op: 'cancel', phase: 'answer', id: wanted.id, outcome: 'cancelled' })
  }

  /** Asks what runs to end. */
  askToCancel(wanted: Wanted, at: number): void {
    this.#call('producer-1', at, { op: 'cancel', phase: 'invoke', id: wanted.id })
    this.#call('producer-1', at + 5, { op: 'cancel', phase: 'answer', id: wanted.id, outcome: 'cancel_requested' })
  }

  /** Redrives an ended activity as another. */
  redrive(original: Wanted, newId: string, at: number): Wanted {
    const redriven = this.wanted(newId, {
      ...original,
      key: null,
      onDuplicate: null,
      due: null,
      redriveOf: original.id,
    })
    this.#call('producer-1', at, { op: 'redrive', phase: 'invoke', id: original.id })
    this.#lanes.write(redriven, 1, at + 2, this.#record(redriven, 1, null))
    this.#call('producer-1', at + 5, { op: 'redrive', phase: 'answer', id: original.id, outcome: 'ok', newId })
    return redriven
  }

  /** What was due goes to its lane. */
  dispatch(wanted: Wanted, attempt: number, at: number): void {
    const due = this.#others.find(({ key }) => key === `${wanted.id}:${attempt}`)?.value ?? null
    const { due_at } = JSON.parse(due ?? '{}') as { due_at?: string }
    const record = this.#record(wanted, attempt, due_at === undefined ? null : Date.parse(due_at) - REDIS_0)
    this.#lanes.write(wanted, attempt, at, record)
    this.#other('delay', wanted.id, `${wanted.id}:${attempt}`, null)
  }

  /** Somebody looks for a result. */
  look(wanted: Wanted, at: number, sha: string | null, proc = 'producer-1'): void {
    const outcome = sha === null ? 'none' : 'value'
    this.#call(proc, at, { op: 'result', phase: 'answer', id: wanted.id, outcome, sha })
  }

  /** A fault, proven and cured. */
  fault(fault: string, target: string, from: number, to: number, losesRedis = false): void {
    const span = { fromMono: MONO_0 + from, toMono: MONO_0 + to }
    this.#faults.push({ fault, target, ...span, proof: 'seen', cure: 'seen', outstanding: 3, losesRedis })
  }

  /** All of it. */
  evidence(): Evidence {
    const stats: Stats = { completed: 0, failed: 0, dead_letter: 0, cancelled: 0 }
    const ended = new Set<string>()
    for (const { topic, value } of this.#others) {
      if (topic !== `${this.run.namespace}.outcomes`) continue
      const { id, outcome } = JSON.parse(value ?? '') as { id: string; outcome: AttemptOutcome }
      if (outcome === 'retrying' || outcome === 'lease_expired' || ended.has(id)) continue
      ended.add(id)
      stats[outcome] += 1
    }
    const untilMs = this.run.seconds * 1_000 + 2_000
    const { samples, records, partitions } = this.#lanes.dump({ untilMs, mono0: MONO_0, endedAt: this.#endedAt })
    return {
      run: this.run,
      history: this.#history(),
      ledger: this.#ledger,
      faults: this.#faults,
      offsets: samples,
      topics: {
        client: 'by hand',
        records: [...records, ...this.#others],
        partitions: [...partitions, ...this.#otherPartitions()],
      },
      redis: {
        ...{ leases: 0, due: 0, delayed: 0, reservations: 0, hasGeneration: true, keys: {} },
        markers: this.#markers,
      },
      stats: { pending: 0, scheduled: 0, running: 0, ...stats },
    }
  }

  readonly #endedAt = (id: string, attempt: number): number =>
    Math.min(
      this.#ends.get(`${id}:${attempt}`) ?? Number.POSITIVE_INFINITY,
      this.#ends.get(id) ?? Number.POSITIVE_INFINITY,
    )

  #history(): HistoryLine[] {
    const counts = new Map<string, number>()
    return [...this.#lines]
      .sort((a, b) => a.mono - b.mono)
      .map(line => {
        const seq = (counts.get(line.proc) ?? 0) + 1
        counts.set(line.proc, seq)
        return { seq, ...this.#placed(line) }
      })
  }

  #placed<Line extends CallLine>(line: Line): Line {
    if (line.op !== 'claim') return line
    const { topic, partition, offset, dueAtMs } = this.#lanes.positionOf(line.id, line.attempt)
    return { ...line, topic, partition, offset: String(offset), dueAtMs }
  }

  #call(proc: string, at: number, line: CallLine): void {
    this.#lines.push({ ...line, mono: MONO_0 + at, proc })
  }

  #claim(wanted: Wanted, attempt: number, proc: string, at: number): string {
    const { id, type, priority } = wanted
    this.#leases += 1
    const leaseId = `lease-${this.#leases}`
    this.#call(proc, at + 1, {
      ...{ op: 'claim', phase: 'answer', id, type, priority, attempt, leaseId, dueAtMs: null },
      ...{ startedAtMs: REDIS_0 + at, deadlineMs: REDIS_0 + at + this.run.leaseMs },
      // Where it stands is known once all is written: see `#placed`.
      ...{ topic: null, partition: null, offset: null },
    })
    return leaseId
  }

  #decide({ maxAttempts }: Wanted, attempt: number, want: Attempted['want']): AttemptOutcome {
    if (want === 'success') return 'completed'
    if (want === 'non_retryable') return 'failed'
    if (want === 'cancelled') return 'cancelled'
    return attempt < maxAttempts ? 'retrying' : 'dead_letter'
  }

  #end(wanted: Wanted, end: End): void {
    const { id } = wanted
    const { attempt, outcome, leaseId, from, at } = end
    const isRetried = outcome === 'retrying' || outcome === 'lease_expired'
    const delayMs = outcome === 'retrying' ? wanted.retryDelayMs * 2 ** attempt : 0
    this.#other(
      'outcomes',
      id,
      id,
      JSON.stringify({
        ...{ v: 1, id, activity_type: wanted.type, priority: wanted.priority, attempt, outcome, lease_id: leaseId },
        retry_count: isRetried ? attempt : attempt - 1,
        ...{ max_retries: wanted.maxAttempts, created_at: iso(0) },
        started_at: from === null ? null : iso(from),
        ended_at: iso(at),
        next_attempt_at: isRetried ? iso(at + delayMs) : null,
        ...(outcome === 'completed' ? { result: { n: 1 } } : {}),
      }),
    )
    const key = isRetried ? `${id}:${attempt}` : id
    this.#ends.set(key, Math.min(this.#ends.get(key) ?? at, at))
    if (!isRetried) this.#markers[id] = { s: outcome, r: outcome === 'completed' ? 'ok|{"n":1}' : 'err|{"error":"…"}' }
    if (outcome === 'dead_letter') this.#deadLetter(wanted, attempt, leaseId?.startsWith('reaper-') === true)
    if (outcome === 'retrying') this.#delay(wanted, attempt + 1, at + delayMs)
    if (outcome === 'lease_expired') this.#lanes.write(wanted, attempt + 1, at, this.#record(wanted, attempt + 1, null))
    const delayed = this.#others.findLast(({ key: name }) => name === `${id}:${attempt}`)
    if (outcome === 'cancelled' && delayed?.value !== undefined && delayed.value !== null) {
      this.#other('delay', id, `${id}:${attempt}`, null)
    }
  }

  #deadLetter(wanted: Wanted, attempts: number, isReaped: boolean): void {
    const { id, type, priority } = wanted
    const source = {
      'errand-source-topic': `${this.run.namespace}.${type}.${priority}`,
      ...{ 'errand-source-partition': '0', 'errand-source-offset': '0' },
    }
    const letter = { v: 1, dead_letter: { attempts }, id, activity_type: type, priority, attempt: attempts }
    const value = `${JSON.stringify(letter).slice(0, -1)},"payload":${payloadOf(wanted)}}`
    this.#other('dlq', id, id, value, {
      ...{ 'errand-kind': 'dead_letter', 'errand-attempts': String(attempts), 'errand-error-class': 'Error' },
      ...{ 'errand-fingerprint': 'f', 'errand-first-failed-at': iso(0), 'errand-failed-at': iso(1) },
      ...(isReaped ? {} : source),
    })
  }

  #delay(wanted: Wanted, attempt: number, due: number): void {
    const record = this.#record(wanted, attempt, due)
    this.#other(
      'delay',
      wanted.id,
      `${wanted.id}:${attempt}`,
      `${record.slice(0, -1)},"due_at":${JSON.stringify(iso(due))}}`,
    )
  }

  #record({ id, type, priority, redriveOf }: Wanted, attempt: number, due: number | null): string {
    const scheduled_at = due === null ? null : iso(due)
    return JSON.stringify({ v: 1, id, activity_type: type, priority, attempt, scheduled_at, redrive_of: redriveOf })
  }

  #other(name: string, id: string, key: string, value: string | null, headers: Record<string, string> = {}): void {
    const topic = `${this.run.namespace}.${name}`
    const partition = partitionOf(id)
    const offset = this.#others.filter(each => each.topic === topic && each.partition === partition).length
    this.#others.push({ topic, partition, offset, key, value, headers })
  }

  #otherPartitions(): Evidence['topics']['partitions'] {
    return ['delay', 'outcomes', 'dlq'].flatMap(name =>
      Array.from({ length: PARTITIONS }, (_, partition) => {
        const topic = `${this.run.namespace}.${name}`
        const high = this.#others.filter(each => each.topic === topic && each.partition === partition).length
        return { topic, partition, low: 0, high, committed: name === 'delay' ? high : null, readTo: high }
      }),
    )
  }
}

/** What came of an enqueue; null: its process did not live to say. */
export interface EnqueueAnswer {
  readonly outcome: Extract<CallLine, { op: 'enqueue'; phase: 'answer' }>['outcome'] | null
  readonly existingId?: string
}

interface End {
  readonly attempt: number
  readonly outcome: AttemptOutcome
  readonly leaseId: string | null
  readonly from: number | null
  readonly at: number
}

function payloadOf({ plan }: Wanted): string {
  return JSON.stringify({ plan, pad: 'x' })
}

function iso(at: number): string {
  return new Date(REDIS_0 + at).toISOString()
}
