// A storage that writes down what it is asked and what it answers. An invocation is written before the call and an answer
// before the caller sees it, so that whoever is killed in between leaves a call without an answer, which is unknown.

import { createHash } from 'node:crypto'
import type { Activity, ClaimedAttempt, StoredResult } from '../../../src/core/activity.ts'
import { isErrandError } from '../../../src/core/errors.ts'
import type {
  AckFailureParams,
  AckSuccessParams,
  EnqueueAnswer,
  EnqueueManyParams,
  ExtendLeaseAnswer,
  ExtendLeaseParams,
  LeaseRef,
  Storage,
} from '../../../src/storage/storage.ts'
import type { CallLine, Plan } from '../evidence.ts'
import type { HistoryFile } from './evidence-file.ts'

/** What is told beside the history. */
export interface RecordingOptions {
  /** Told of each claim once it is written down, before its handler can begin. */
  readonly onClaimed?: (claimed: ClaimedAttempt) => void
}

/** The storage, with its calls written down. What is not listed here passes as it is. */
export function recorded(target: Storage, history: HistoryFile, options: RecordingOptions = {}): Storage {
  const calls: Partial<Storage> = {
    ...acceptance(target, history),
    ...claims(target, history, options),
    ...settlements(target, history),
    ...leases(target, history),
  }
  return new Proxy<Storage>(target, {
    get(_, name) {
      const own: unknown = Reflect.get(calls, name)
      if (own !== undefined) return own
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

/** SHA-256 of a result's state and JSON text, hex. */
export function resultSha({ state, dataJson }: Pick<StoredResult, 'state' | 'dataJson'>): string {
  return sha(`${state}${dataJson}`)
}

/** SHA-256 of a payload's JSON text, hex. */
export function sha(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

type Acceptance = Pick<Storage, 'enqueueMany' | 'cancel' | 'redrive' | 'getResult'>

function acceptance(target: Storage, history: HistoryFile): Acceptance {
  return {
    async enqueueMany(params: Readonly<EnqueueManyParams>) {
      history.note(...params.activities.map(invocationOf))
      try {
        const answers = await target.enqueueMany(params)
        history.note(...params.activities.map(({ id }, at) => enqueueLine(id, answers[at])))
        return answers
      } catch (error) {
        const outcome = isErrandError(error, 'invalid_argument') ? 'refused' : 'unknown'
        history.note(
          ...params.activities.map(({ id }): CallLine => {
            return { op: 'enqueue', phase: 'answer', id, outcome, existingId: null }
          }),
        )
        throw error
      }
    },
    async cancel(params) {
      const { id } = params
      history.note({ op: 'cancel', phase: 'invoke', id })
      try {
        const answer = await target.cancel(params)
        history.note({ op: 'cancel', phase: 'answer', id, outcome: answer.outcome })
        return answer
      } catch (error) {
        const outcome = isErrandError(error, 'not_found') ? 'not_found' : 'unknown'
        history.note({ op: 'cancel', phase: 'answer', id, outcome })
        throw error
      }
    },
    async redrive(params) {
      const { id } = params
      history.note({ op: 'redrive', phase: 'invoke', id })
      try {
        const answer = await target.redrive(params)
        history.note({ op: 'redrive', phase: 'answer', id, outcome: 'ok', newId: answer.id })
        return answer
      } catch (error) {
        const refused = (['not_found', 'conflict'] as const).find(code => isErrandError(error, code))
        history.note({ op: 'redrive', phase: 'answer', id, outcome: refused ?? 'unknown', newId: null })
        throw error
      }
    },
    async getResult(params) {
      const { id } = params
      try {
        const result = await target.getResult(params)
        const seen = result === null ? ({ outcome: 'none', sha: null } as const) : valueSeen(result)
        history.note({ op: 'result', phase: 'answer', id, ...seen })
        return result
      } catch (error) {
        history.note({ op: 'result', phase: 'answer', id, outcome: 'unknown', sha: null })
        throw error
      }
    },
  }
}

function valueSeen(result: StoredResult): { outcome: 'value'; sha: string } {
  return { outcome: 'value', sha: resultSha(result) }
}

function claims(target: Storage, history: HistoryFile, { onClaimed }: RecordingOptions): Pick<Storage, 'dequeue'> {
  return {
    async dequeue(params) {
      const claimed = await target.dequeue(params)
      history.note(...claimed.map(claimLine))
      for (const each of claimed) onClaimed?.(each)
      return claimed
    },
  }
}

function settlements(target: Storage, history: HistoryFile): Pick<Storage, 'ackSuccess' | 'ackFailure'> {
  const invoked = ({ id, leaseId }: LeaseRef, want: 'success' | AckFailureParams['failure']['kind']): CallLine => {
    return { op: 'settle', phase: 'invoke', id, leaseId, want }
  }
  const threw = ({ id, leaseId }: LeaseRef, error: unknown): CallLine => {
    const refused = (['lease_lost', 'conflict'] as const).find(code => isErrandError(error, code))
    return { op: 'settle', phase: 'answer', id, leaseId, outcome: refused ?? 'unknown', retryAtMs: null }
  }
  return {
    async ackSuccess(params: Readonly<AckSuccessParams>) {
      history.note(...params.leases.map(lease => invoked(lease, 'success')))
      try {
        const answers = await target.ackSuccess(params)
        history.note(
          ...params.leases.map(({ id, leaseId }, at): CallLine => {
            const outcome = answers[at] ?? 'unknown'
            return { op: 'settle', phase: 'answer', id, leaseId, outcome, retryAtMs: null }
          }),
        )
        return answers
      } catch (error) {
        history.note(...params.leases.map(lease => threw(lease, error)))
        throw error
      }
    },
    async ackFailure(params: Readonly<AckFailureParams>) {
      const { id, leaseId, failure } = params
      history.note(invoked(params, failure.kind))
      try {
        const answer = await target.ackFailure(params)
        const retryAtMs = answer.outcome === 'retrying' ? answer.retryAtMs : null
        history.note({ op: 'settle', phase: 'answer', id, leaseId, outcome: answer.outcome, retryAtMs })
        return answer
      } catch (error) {
        history.note(threw(params, error))
        throw error
      }
    },
  }
}

function leases(target: Storage, history: HistoryFile): Pick<Storage, 'extendLease' | 'extendLeases' | 'releaseLease'> {
  const renewed = ({ id, leaseId }: LeaseRef, answer: ExtendLeaseAnswer | undefined): CallLine => {
    const deadlineMs = answer?.outcome === 'renewed' ? answer.deadlineMs : null
    return { op: 'renew', phase: 'answer', id, leaseId, outcome: answer?.outcome ?? 'unknown', deadlineMs }
  }
  return {
    async extendLease(params: Readonly<ExtendLeaseParams>) {
      try {
        const answer = await target.extendLease(params)
        history.note(renewed(params, answer))
        return answer
      } catch (error) {
        history.note(renewed(params, undefined))
        throw error
      }
    },
    async extendLeases(params) {
      try {
        const answers = await target.extendLeases(params)
        history.note(...params.leases.map((lease, at) => renewed(lease, answers[at])))
        return answers
      } catch (error) {
        history.note(...params.leases.map(lease => renewed(lease, undefined)))
        throw error
      }
    },
    async releaseLease(params) {
      const { id, leaseId } = params
      try {
        const outcome = await target.releaseLease(params)
        history.note({ op: 'release', phase: 'answer', id, leaseId, outcome })
        return outcome
      } catch (error) {
        const outcome = isErrandError(error, 'lease_lost') ? 'lease_lost' : 'unknown'
        history.note({ op: 'release', phase: 'answer', id, leaseId, outcome })
        throw error
      }
    },
  }
}

function invocationOf(activity: Activity): CallLine {
  const { id, type, priority, key, scheduledAtMs, maxAttempts, retryDelayMs, retryDelayMaxMs, payloadJson } = activity
  return {
    ...{ op: 'enqueue', phase: 'invoke', id, type, priority },
    ...{ key: key?.key ?? null, onDuplicate: key?.onDuplicate ?? null, dueAtMs: scheduledAtMs },
    maxAttempts: maxAttempts === 'unlimited' ? Number.MAX_SAFE_INTEGER : maxAttempts,
    ...{ retryDelayMs, retryDelayMaxMs, payloadSha: sha(payloadJson) },
    plan: (JSON.parse(payloadJson) as { plan: Plan }).plan,
  }
}

function enqueueLine(id: string, answer: EnqueueAnswer | undefined): CallLine {
  const said = { op: 'enqueue', phase: 'answer', id } as const
  switch (answer?.outcome) {
    case 'existing':
      return { ...said, outcome: 'existing', existingId: answer.id }
    case 'refused':
      return { ...said, outcome: 'refused', existingId: answer.existingId ?? null }
    case 'created':
    case 'unavailable':
      return { ...said, outcome: answer.outcome, existingId: null }
    case undefined:
      return { ...said, outcome: 'unknown', existingId: null }
  }
}

function claimLine({ activity, attempt, leaseId, startedAtMs, deadlineMs, coordinates }: ClaimedAttempt): CallLine {
  const { id, type, priority, scheduledAtMs } = activity
  return {
    ...{ op: 'claim', phase: 'answer', id, type, priority, attempt, leaseId, startedAtMs, deadlineMs },
    ...{ dueAtMs: scheduledAtMs, topic: coordinates?.topic ?? null, partition: coordinates?.partition ?? null },
    offset: coordinates?.offset ?? null,
  }
}
