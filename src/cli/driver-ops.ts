// The operations of the storage driver: each translates its arguments into calls of the port, and the answer back.

import type { AttemptFailureReport } from '../core/activity.ts'
import type { Clock } from '../core/clock.ts'
import { ErrandError } from '../core/errors.ts'
import type { IdSource } from '../core/ids.ts'
import { checkJsonText, memberText } from '../core/json-text.ts'
import { LIMITS } from '../core/limits.ts'
import { checkId } from '../core/names.ts'
import { newActivity } from '../core/new-activity.ts'
import { clipUtf8 } from '../core/text.ts'
import type { EnqueueAnswer, LeaseRef, Storage } from '../storage/storage.ts'
import { RawJson } from './driver-lines.ts'
import type { ClaimArgs, OpArgs, OpName } from './driver-schema.ts'
import type { Reply } from './driver-views.ts'
import { activityView, deadLetterView, eventView, pageView, statsView, summaryView } from './driver-views.ts'

/** What an operation works with. */
export interface OpContext {
  readonly storage: Storage
  readonly clock: Clock
  readonly ids: IdSource
  /** The arguments' own text, from which JSON values are carried as they are. */
  readonly argsText: string
}

/** Operations on an open storage. `open` and `close` are the loop's. */
export type StorageOpName = Exclude<OpName, 'open' | 'close'>

type Ops = { readonly [N in StorageOpName]: (context: OpContext, args: OpArgs<N>) => Promise<Reply> }

/** Every operation on an open storage. */
export const ops: Ops = {
  submit: async (context, args) =>
    accepted((await context.storage.enqueueMany({ activities: [activityOf(context, args)] }))[0]),

  submit_many: submitMany,

  claim: claimAttempts,

  async renew({ storage }, { claim, lease_ms: byMs }) {
    return { renewed: (await storage.extendLease({ ...leaseOf(claim), byMs })).outcome === 'renewed' }
  },

  async complete({ storage, argsText }, { claim }) {
    const resultJson = jsonMember(argsText, 'value', LIMITS.resultBytesMax)
    const [answer] = await storage.ackSuccess({ leases: [{ ...leaseOf(claim), resultJson }] })
    if (answer !== 'settled') throw refusedSettlement(answer ?? 'lease_lost', claim)
    return {}
  },

  async fail({ storage }, { claim, reason, retryable, timeout }) {
    const error = {
      name: timeout ? 'Timeout' : 'Error',
      message: clipUtf8(reason.toWellFormed(), LIMITS.failureMessageBytesMax),
    }
    const kind: AttemptFailureReport['kind'] = !retryable ? 'non_retryable' : timeout ? 'timeout' : 'retryable'
    const answer = await storage.ackFailure({ ...leaseOf(claim), failure: { kind, error } })
    if (answer.outcome === 'lease_lost' || answer.outcome === 'conflict') throw refusedSettlement(answer.outcome, claim)
    return answer.outcome === 'retrying'
      ? { outcome: 'retrying', retry_in_s: answer.retryInMs / 1_000 }
      : { outcome: answer.outcome }
  },

  release: async ({ storage }, { claim }) => ({
    released: (await storage.releaseLease(leaseOf(claim))) === 'released',
  }),

  cancel: async ({ storage }, { id }) => ({ outcome: (await storage.cancel({ id })).outcome }),

  async lookup_key({ storage }, { type, key }) {
    const id = await storage.lookupKey({ type, key })
    if (id === null) throw new ErrandError('not_found', `no activity of '${type}' has the key ${JSON.stringify(key)}.`)
    return { id }
  },

  process_scheduled: async ({ storage }, { limit }) => ({ count: (await storage.processScheduled({ limit })).moved }),

  async reap({ storage }, { limit }) {
    const { requeued, deadLettered, cancelled } = await storage.requeueExpired({ limit })
    return { count: requeued + deadLettered + cancelled }
  },

  async get_activity({ storage }, { id }) {
    const snapshot = await storage.getActivity({ id })
    return { activity: snapshot === null ? null : activityView(snapshot) }
  },

  async get_result({ storage }, { id }) {
    const result = await storage.getResult({ id })
    return { result: result === null ? null : { state: result.state, data: new RawJson(result.dataJson) } }
  },

  get_events: async ({ storage }, { id }) => ({ events: (await storage.getEvents({ id })).map(eventView) }),

  async list({ storage }, { type, ...query }) {
    return pageView(await storage.list({ ...query, ...(type === undefined ? {} : { type }) }), summaryView)
  },

  async dead_letters({ storage }, { type, ...query }) {
    return pageView(
      await storage.listDeadLetters({ ...query, ...(type === undefined ? {} : { type }) }),
      deadLetterView,
    )
  },

  stats: async ({ storage }) => statsView(await storage.stats()),

  redrive: async ({ storage }, { id }) => ({ id: (await storage.redrive({ id })).id }),

  async test_expire_lease({ storage }, { id }) {
    await storage.fixtures.expireLease({ id })
    return {}
  },

  async test_make_due({ storage }, { id }) {
    await storage.fixtures.makeDue({ id })
    return {}
  },
}

async function submitMany({ storage, clock, ids }: OpContext, args: OpArgs<'submit_many'>): Promise<Reply> {
  const { prefix, n, type } = args
  // The longest id first: one that is refused later would leave what was written before it.
  checkId(`${prefix}-${n - 1}`, 'prefix')
  const accept: string[] = []
  for (let from = 0; from < n; from += LIMITS.enqueueBatchMax) {
    const count = Math.min(LIMITS.enqueueBatchMax, n - from)
    const activities = Array.from({ length: count }, (_, at) =>
      newActivity({ id: `${prefix}-${from + at}`, type, payload: { n: from + at } }, { ids, nowMs: clock.nowMs() }),
    )
    for (const answer of await storage.enqueueMany({ activities })) accept.push(String(accepted(answer)['id']))
  }
  return { ids: accept }
}

async function claimAttempts({ storage, clock }: OpContext, args: OpArgs<'claim'>): Promise<Reply> {
  const { types, limit, lease_ms: leaseMs, wait_ms: waitMs, worker: workerId } = args
  const fromMs = clock.monotonicMs()
  await storage.catchUp({ types, timeoutMs: waitMs })
  const timeoutMs = Math.max(0, Math.floor(waitMs - (clock.monotonicMs() - fromMs)))
  const claimed = await storage.dequeue({ types, limit, leaseMs, timeoutMs, workerId })
  return { claims: claimed.map(({ activity: { id }, leaseId: lease, attempt }) => ({ id, lease, attempt })) }
}

function activityOf({ clock, ids, argsText }: OpContext, args: OpArgs<'submit'>): ReturnType<typeof newActivity> {
  const activity = newActivity(
    {
      type: args.type,
      payload: null,
      id: args.id,
      priority: args.priority,
      maxAttempts: args.max_attempts === 0 ? 'unlimited' : args.max_attempts,
      retryDelayMs: Math.round(args.retry_delay_s * 1_000),
      timeoutMs: Math.round(args.timeout_s * 1_000),
      delayMs: Math.round(args.delay_s * 1_000),
      metadata: args.metadata,
      key: args.key?.key,
      onDuplicate: args.key?.on_duplicate,
    },
    { ids, nowMs: clock.nowMs() },
  )
  return { ...activity, payloadJson: jsonMember(argsText, 'payload', LIMITS.payloadBytesMax) }
}

/** A member's own text: large integers, order and spaces as they came. Left out: null. */
function jsonMember(argsText: string, field: string, bytesMax: number): string {
  return checkJsonText(memberText(argsText, field) ?? 'null', { field, bytesMax })
}

function accepted(answer: EnqueueAnswer | undefined): Reply {
  if (answer?.outcome === 'created' || answer?.outcome === 'existing') return { id: answer.id, outcome: answer.outcome }
  const code = answer?.outcome === 'refused' ? answer.code : 'unavailable'
  throw new ErrandError(code, withoutCode(answer?.message ?? 'no answer'))
}

/** A refusal's text may begin with its code, as an error's does. */
function withoutCode(message: string): string {
  return message.replace(/^\[[a-z_]+\] /, '')
}

function refusedSettlement(outcome: 'lease_lost' | 'conflict', { id, attempt }: ClaimArgs): ErrandError {
  const why = outcome === 'lease_lost' ? 'the lease is no longer the live one' : 'the attempt was settled otherwise'
  return new ErrandError(outcome, `attempt ${attempt} of ${id}: ${why}.`, { details: { id, attempt } })
}

function leaseOf({ id, lease }: ClaimArgs): LeaseRef {
  return { id, leaseId: lease }
}
