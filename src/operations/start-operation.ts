// Starts an operation: from here on it is in Kafka, and whoever asked for it may go.

import { Client } from '../client/client.ts'
import type { ClientOptions } from '../client/client-options.ts'
import { resolveClientOptions } from '../client/client-options.ts'
import type { Status } from '../core/activity.ts'
import { saidBy } from '../core/errors.ts'
import type { Storage } from '../storage/storage.ts'
import type { Operation, OperationSpec } from './operation.ts'
import { operationActivity, resolveOperation } from './operation.ts'
import { newProgress } from './operation-progress.ts'

/** What {@link startOperation} takes: the storage, and what a Client may be given. */
export interface StartOperationParams extends ClientOptions {
  readonly spec: OperationSpec
  /** Asking again with the same one, within a day, starts nothing new. At most 512 bytes. @defaultValue none */
  readonly requestId?: string | undefined
}

/** An operation that was accepted. */
export interface StartedOperation {
  /** Its activity's id. */
  readonly id: string
  /** `existing`: it was asked for before, under the same request id. */
  readonly outcome: 'created' | 'existing'
}

/**
 * Starts an operation. What is there now is acted on, not what comes later: the filter's `beforeMs` is set to that where it is not
 * given. It runs where operations are served (`handleOperations`), once somebody does.
 *
 * Throws `invalid_argument` with everything that is wrong with the spec, and `unavailable` when it is not known whether it was
 * accepted: asking again with the same `requestId` is safe.
 */
export async function startOperation({
  spec,
  requestId,
  ...clientOptions
}: StartOperationParams): Promise<StartedOperation> {
  const { storage, clock, logger } = resolveClientOptions(clientOptions)
  const operation = resolveOperation(spec)
  const beforeMs = operation.filter.ids === null ? await endOf(storage, operation, clock.nowMs()) : undefined
  const bounded = { ...spec, filter: { ...spec.filter, ...(beforeMs === undefined ? {} : { beforeMs }) } }
  const client = new Client(clientOptions)
  const options = requestId === undefined ? {} : { key: requestId }
  const { id, outcome } = await client.enqueue(operationActivity, bounded, options)
  if (outcome === 'created') {
    const progressJson = JSON.stringify(newProgress(resolveOperation(bounded), clock.nowMs()))
    await storage.operations.save({ id, progressJson, ifAbsent: true }).catch((error: unknown) =>
      // It is accepted; until it begins, lists lack it.
      logger.warn('an operation that was started could not be listed yet', { id, error: saidBy(error) }),
    )
  }
  return { id, outcome }
}

/**
 * Just after the newest that is there. For what has ended, by the storage's time: a clock here that is wrong must not leave out
 * what was counted a moment ago.
 */
async function endOf(storage: Storage, { kind, filter }: Operation, nowMs: number): Promise<number> {
  if (filter.beforeMs !== null) return filter.beforeMs
  const [status] = filter.statuses
  const newestMs = kind !== 'cancel' && status !== undefined ? await newestOf(storage, status, filter.type) : null
  return (newestMs ?? nowMs) + 1
}

async function newestOf(storage: Storage, status: Status, type: string | null): Promise<number | null> {
  const params = { limit: 1, ...(type === null ? {} : { type }) }
  if (status === 'dead_letter') return (await storage.listDeadLetters(params)).items[0]?.failedAtMs ?? null
  return (await storage.list({ ...params, status })).items[0]?.endedAtMs ?? null
}
