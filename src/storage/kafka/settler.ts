// Settling: Redis decides (fenced by the lease), Kafka remembers (outcome, then what follows), the offset is finished.
// Different callers' settlements travel together; none waits for another's handler.

import type { Activity, AttemptOutcome, AttemptTrace, RecordedFailure } from '../../core/activity.ts'
import { crossing } from '../../core/crash-point.ts'
import { ErrandError } from '../../core/errors.ts'
import { checkFailureReport } from '../../core/failure-check.ts'
import { cancelledFailure } from '../../core/failure.ts'
import { checkResultJson } from '../../core/given-json.ts'
import type { Logger } from '../../core/logger.ts'
import { LIMITS, SETTLING_LIMITS } from '../../core/limits.ts'
import { decideFailure } from '../../core/settle.ts'
import { endTraceparent } from '../../core/trace-context.ts'
import type { WriteRecord } from '../../producer/topic-writer.ts'
import { decodeActivity } from '../../wire/activity-record.ts'
import type { SettleAnswer, SettleRequest } from '../redis/attempts.ts'
import { settle } from '../redis/attempts.ts'
import type { Marker } from '../redis/markers.ts'
import { errorResultText, readMarkers, resultText } from '../redis/markers.ts'
import { index } from '../redis/schedule.ts'
import type { SideStore } from '../redis/side-store.ts'
import type { AckFailureAnswer, AckFailureParams, AckSuccessAnswer, AckSuccessParams, LeaseRef } from '../storage.ts'
import type { Attempts } from './attempts.ts'
import { coordinatesOf } from './lanes.ts'
import type { Publisher, Settlement } from './publisher.ts'
import { isDueAtOnce, nextOf } from './publisher.ts'
import type { Rehoming } from './rehoming.ts'

interface Job {
  readonly request: SettleRequest
  /** Only the answer is wanted: whoever holds the record sees to it that Kafka remembers. */
  readonly isReplay: boolean
  readonly resultJson: string | null
  readonly resolve: (answer: SettleAnswer) => void
  readonly reject: (error: unknown) => void
}

/** What a caller says of an end. */
type End = Pick<
  SettleRequest,
  'outcome' | 'delayMs' | 'error' | 'result' | 'yieldsToCancel' | 'said' | 'traceparent'
> & {
  readonly resultJson: string | null
}

function successOf(resultJson: string | null): End {
  const dataJson = resultJson ?? 'null'
  return {
    outcome: 'completed',
    delayMs: 0,
    error: null,
    yieldsToCancel: false,
    traceparent: null, // nobody looks back at a success
    resultJson,
    result: resultText({ state: 'ok', dataJson }),
    said: `completed ${dataJson}`,
  }
}

/** Settles attempts. */
export class Settler {
  readonly #store: SideStore
  readonly #attempts: Attempts
  readonly #restore: () => Promise<void>
  readonly #publisher: Publisher
  readonly #rehoming: Rehoming
  readonly #logger: Logger
  #queue: Job[] = []
  #flushes = 0
  #isScheduled = false

  constructor(parts: {
    store: SideStore
    attempts: Attempts
    publisher: Publisher
    rehoming: Rehoming
    restore: () => Promise<void>
    logger: Logger
  }) {
    this.#restore = parts.restore
    this.#store = parts.store
    this.#attempts = parts.attempts
    this.#publisher = parts.publisher
    this.#rehoming = parts.rehoming
    this.#logger = parts.logger
  }

  async succeed({ leases }: Readonly<AckSuccessParams>): Promise<AckSuccessAnswer[]> {
    for (const { resultJson } of leases) checkResultJson(resultJson)
    const known = await this.#activitiesOf(leases)
    const answers = leases.map((): AckSuccessAnswer => 'lease_lost')
    let left = known.filter(owned => owned !== null).length
    if (left === 0) return answers
    // One promise for all: one for each would cost as much as the rest of what is done for it here.
    return new Promise((resolve, reject) => {
      leases.forEach(({ leaseId, resultJson = null }, at) => {
        const owned = known[at]
        if (owned === null || owned === undefined) return
        const onAnswer = (answer: SettleAnswer): void => {
          if (answer.verdict === 'cancel_requested') return reject(yielded())
          answers[at] = answer.verdict
          left -= 1
          if (left === 0) resolve(answers)
        }
        this.#enqueue(owned, leaseId, successOf(resultJson), onAnswer, reject)
      })
    })
  }

  async fail({ id, leaseId, failure, trace }: Readonly<AckFailureParams>): Promise<AckFailureAnswer> {
    checkFailureReport(failure)
    const [owned] = await this.#activitiesOf([{ id, leaseId }])
    if (owned === null || owned === undefined) return { outcome: 'lease_lost' }
    const { activity } = owned
    const decision = decideFailure(activity, failure, false)
    const outcome: AttemptOutcome = decision.kind === 'retry' ? 'retrying' : decision.kind
    const said = `${failure.kind} ${failure.error.name} ${failure.error.message}`
    const answer = await this.#settle(owned, leaseId, {
      outcome,
      delayMs: decision.kind === 'retry' ? decision.delayMs : 0,
      error: failure.error,
      resultJson: null,
      result: this.#errorText(activity, outcome, failure.error),
      yieldsToCancel: decideFailure(activity, failure, true).kind === 'cancelled',
      said,
      traceparent: endTraceparent(outcome, trace),
    })
    if (answer.verdict !== 'cancel_requested') return toFailureAnswer(answer)
    return toFailureAnswer(decided(await this.#cancel(owned, leaseId, { reason: answer.reason, said, trace })))
  }

  // In a second step, because only Redis knew of it, and why: both belong into what is recorded.
  #cancel(
    owned: Owned,
    leaseId: string,
    given: { readonly reason: string | null; readonly said: string; readonly trace: AttemptTrace | undefined },
  ): Promise<SettleAnswer> {
    const { reason, said, trace } = given
    const error = cancelledFailure(reason)
    const result = this.#errorText(owned.activity, 'cancelled', error)
    const end = {
      outcome: 'cancelled',
      delayMs: 0,
      error,
      resultJson: null,
      result,
      yieldsToCancel: false,
      said,
      traceparent: endTraceparent('cancelled', trace),
    } as const
    return this.#settle(owned, leaseId, end)
  }

  #errorText(activity: Activity, outcome: AttemptOutcome, failure: RecordedFailure): string | null {
    return errorResultText({ outcome, failure, attempts: activity.attempt })
  }

  #settle(owned: Owned, leaseId: string, end: End): Promise<SettleAnswer> {
    return new Promise((resolve, reject) => this.#enqueue(owned, leaseId, end, resolve, reject))
  }

  #enqueue(
    { activity, worker, startedAtMs, isReplay }: Owned,
    leaseId: string,
    { resultJson, ...end }: End,
    resolve: Job['resolve'],
    reject: Job['reject'],
  ): void {
    this.#queue.push({
      request: { ...end, activity, leaseId, worker, startedAtMs },
      isReplay,
      resultJson,
      resolve,
      reject,
    })
    this.#schedule()
  }

  #schedule(): void {
    if (this.#isScheduled || this.#queue.length === 0 || this.#flushes >= SETTLING_LIMITS.flushesMax) return
    this.#isScheduled = true
    // After the current turn, so that all that ended in it travels together.
    setImmediate(() => {
      this.#isScheduled = false
      const jobs = this.#queue.splice(0, LIMITS.scriptBatchMax)
      this.#flushes += 1
      this.#flush(jobs)
        .catch((error: unknown) => jobs.forEach(job => job.reject(error)))
        .finally(() => {
          this.#flushes -= 1
          this.#schedule()
        })
      this.#schedule()
    })
  }

  async #flush(jobs: readonly Job[]): Promise<void> {
    if (jobs.length === 0) return
    const requests = jobs.map(job => job.request)
    // Now: a look at what runs here may find it ended meanwhile, and let go of it.
    const entries = requests.map(({ leaseId }) => this.#attempts.running(leaseId)?.entry)
    const answers = await crossing('settle.decided', () => settle(this.#store, requests, this.#restore))
    const decidedErrors = await this.#errorsDecided(jobs, answers)
    const settlements = jobs.map((job, at) => {
      const answer = answers[at]
      return answer?.verdict === 'settled' && !job.isReplay
        ? this.#settlementOf(job, answer, decidedErrors.get(job))
        : null
    })
    const errors = await this.#publish(
      settlements.map(settlement => (settlement === null ? [] : this.#publisher.settlement(settlement))),
    )
    // Only what Kafka remembers: else the next attempt could run and end before this one's outcome is written.
    await this.#indexRetries(
      settlements.flatMap((each, at) => (each === null || errors[at] !== undefined ? [] : [each])),
    )
    await this.#rehoming.settled(() =>
      settlements.flatMap((each, at) => (each === null || errors[at] !== undefined ? [] : (entries[at] ?? []))),
    )
    jobs.forEach((job, at) => this.#answer(job, answers[at], errors[at]))
  }

  // The same settlement said again is answered as it was decided, which may have been in the name of a cancel.
  async #errorsDecided(
    jobs: readonly Job[],
    answers: readonly SettleAnswer[],
  ): Promise<ReadonlyMap<Job, RecordedFailure | null>> {
    const others = jobs.filter((job, at) => {
      const answer = answers[at]
      return answer?.verdict === 'settled' && answer.outcome !== job.request.outcome
    })
    const markers = await readMarkers(
      this.#store,
      others.map(({ request }) => request.activity.id),
    )
    return new Map(others.map((job, at) => [job, markers[at]?.error ?? null]))
  }

  // The outcome first, then what follows from it: else the next attempt could end before this one's end is written.
  async #publish(records: readonly WriteRecord[][]): Promise<(ErrandError | undefined)[]> {
    const outcomes = records.map(each => each.slice(0, 1))
    const errors = await crossing('settle.outcome', () => this.#publisher.writeEach(outcomes))
    const followUps = records.map((each, at) => (errors[at] === undefined ? each.slice(1) : []))
    if (followUps.every(each => each.length === 0)) return errors
    const later = await crossing('settle.followed', () => this.#publisher.writeEach(followUps))
    return errors.map((error, at) => error ?? later[at])
  }

  // Known at once to whoever dispatches; the schedule's log is what counts, and its reader indexes what this could not.
  async #indexRetries(settlements: readonly Settlement[]): Promise<void> {
    const entries = settlements.flatMap(settlement => {
      const { outcome, error, dueAtMs } = settlement
      if (outcome !== 'retrying' || error === null || dueAtMs === null || isDueAtOnce(settlement)) return []
      return [this.#publisher.indexEntry(nextOf(settlement, error, dueAtMs), dueAtMs)]
    })
    if (entries.length === 0) return
    await crossing('schedule.indexed', () => index(this.#store, entries)).catch((error: unknown) =>
      this.#logger.warn('retries could not be indexed at once', { error: String(error) }),
    )
  }

  #answer(job: Job, answer: SettleAnswer | undefined, error: ErrandError | undefined): void {
    const { leaseId } = job.request
    if (answer === undefined) return job.reject(new ErrandError('internal', 'settle gave no answer'))
    if (error !== undefined) {
      // Redis has decided and Kafka does not know yet: the caller settles again, with the same answer.
      return job.reject(
        new ErrandError('unavailable', `the settlement is decided, but Kafka did not take it: ${error.message}`, {
          cause: error,
        }),
      )
    }
    if (answer.verdict === 'settled') this.#attempts.finished(leaseId)
    else if (answer.verdict === 'lease_lost') this.#attempts.lost(leaseId)
    job.resolve(answer)
  }

  #settlementOf(
    job: Job,
    answer: Extract<SettleAnswer, { verdict: 'settled' }>,
    decidedError: RecordedFailure | null | undefined,
  ): Settlement {
    const { request } = job
    const local = this.#attempts.running(request.leaseId)
    return {
      activity: request.activity,
      outcome: answer.outcome,
      leaseId: request.leaseId,
      worker: answer.worker,
      startedAtMs: answer.startedAtMs,
      endedAtMs: answer.endedAtMs,
      dueAtMs: answer.dueAtMs,
      error: decidedError === undefined ? request.error : decidedError,
      resultJson: job.resultJson,
      traceparent: request.traceparent,
      source: local === undefined ? null : coordinatesOf(local.entry.record),
    }
  }

  // A lease claimed by another process is settled here all the same: Redis keeps the envelope while it is leased.
  async #activitiesOf(leases: readonly LeaseRef[]): Promise<(Owned | null)[]> {
    const foreign = leases.filter(lease => this.#attempts.running(lease.leaseId) === undefined)
    const markers = await readMarkers(
      this.#store,
      foreign.map(lease => lease.id),
    )
    const byLease = new Map(foreign.map((lease, at) => [lease, markers[at] ?? null]))
    return leases.map(lease => {
      const local = this.#attempts.running(lease.leaseId)
      if (local !== undefined) {
        return local.entry.activity.id === lease.id
          ? { activity: local.entry.activity, worker: local.worker, startedAtMs: local.startedAtMs, isReplay: false }
          : null
      }
      const marker = byLease.get(lease) ?? null
      if (marker === null) return null
      if (marker.envelope !== null && marker.leaseId === lease.leaseId) {
        return { activity: decodeActivity(marker.envelope), ...whoAndWhen(marker), isReplay: false }
      }
      // Settled already: what is left of it is enough to give the same answer again.
      if (marker.settled?.leaseId !== lease.leaseId) return null
      return { activity: shadowOf(marker), ...whoAndWhen(marker), isReplay: true }
    })
  }
}

interface Owned {
  readonly activity: Activity
  readonly worker: string
  readonly startedAtMs: number
  readonly isReplay: boolean
}

function whoAndWhen(marker: Marker): Pick<Owned, 'worker' | 'startedAtMs'> {
  return { worker: marker.worker ?? '', startedAtMs: marker.startedAtMs ?? 0 }
}

function shadowOf(marker: Marker): Activity {
  return {
    id: marker.id,
    type: marker.type,
    priority: marker.priority,
    payloadJson: 'null',
    attempt: marker.attempt,
    retryCount: 0,
    maxAttempts: 1,
    timeoutMs: 1,
    retryDelayMs: 0,
    retryDelayMaxMs: 0,
    createdAtMs: 0,
    scheduledAtMs: null,
    metadata: {},
    key: null,
    trace: null,
    attemptTraceparent: null,
    parentId: null,
    redriveOf: null,
    failures: [],
  }
}

type Decided = Exclude<SettleAnswer, { verdict: 'cancel_requested' }>

function decided(answer: SettleAnswer): Decided {
  if (answer.verdict !== 'cancel_requested') return answer
  throw yielded()
}

function yielded(): ErrandError {
  return new ErrandError('internal', 'settle yielded to a cancel where it was not to')
}

function toFailureAnswer(answer: Decided): AckFailureAnswer {
  if (answer.verdict !== 'settled') return { outcome: answer.verdict }
  const { outcome, dueAtMs, endedAtMs } = answer
  switch (outcome) {
    case 'retrying': {
      const retryAtMs = dueAtMs ?? endedAtMs
      return { outcome, retryAtMs, retryInMs: retryAtMs - endedAtMs }
    }
    case 'failed':
    case 'dead_letter':
    case 'cancelled':
      return { outcome }
    case 'completed':
    case 'lease_expired':
      return { outcome: 'conflict' }
  }
}
