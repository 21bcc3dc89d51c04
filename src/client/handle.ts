// One activity from outside: what became of it, its result, and asking it to end. A handle is plain data and a way to the
// storage; it is no promise, so awaiting an enqueue waits for acceptance, never for the run.

import type { Coordinates, Status, StoredResult } from '../core/activity.ts'
import { ErrandError } from '../core/errors.ts'
import { LIMITS } from '../core/limits.ts'
import { checkId } from '../core/names.ts'
import { checkInteger, checkText, describe } from '../core/text.ts'
import type { CancelAnswer } from '../storage/storage.ts'
import { failedErrorOf } from './activity-failed-error.ts'
import type { ResolvedClientOptions } from './client-options.ts'
import type { ActivityDefinition } from './define-activity.ts'
import { validate } from './schema.ts'

/** A handle as JSON: enough to bring it back in another process. */
export interface HandleJson {
  readonly id: string
  readonly type: string
  readonly outcome: 'created' | 'existing'
  readonly coordinates?: Coordinates
}

/** How long, and until what, a wait goes on. */
export interface ResultOptions {
  /** Gives the wait up; the activity goes on. */
  readonly signal?: AbortSignal | undefined
  /** Gives the wait up with `timeout`. Unit: ms. Range: 1 to a day. @defaultValue none */
  readonly timeoutMs?: number | undefined
}

/** One activity, typed by its definition. Made by `enqueue`, `enqueueMany` and `client.handle`. */
export class Handle<Result = unknown> {
  readonly id: string
  readonly type: string
  /** `existing`: the key or id was in use, or the handle was made from an id. */
  readonly outcome: 'created' | 'existing'
  /** Where its first record stands in Kafka; undefined when the storage does not say, or has no such place. */
  readonly coordinates: Coordinates | undefined
  readonly #options: ResolvedClientOptions
  readonly #definition: ActivityDefinition<unknown, unknown, unknown, Result>

  constructor(
    options: ResolvedClientOptions,
    definition: ActivityDefinition<unknown, unknown, unknown, Result>,
    json: HandleJson,
  ) {
    this.#options = options
    this.#definition = definition
    this.id = json.id
    this.type = json.type
    this.outcome = json.outcome
    this.coordinates = json.coordinates
  }

  /** How the activity stands. Throws `not_found` when nothing of that id is remembered, `unavailable`. */
  async status(): Promise<Status> {
    const { storage, telemetry } = this.#options
    const activity = await telemetry.quietly(() => storage.getActivity({ id: this.id }))
    if (activity !== null) return activity.status
    throw new ErrandError('not_found', `no activity ${this.id} of '${this.type}' is remembered.`, {
      details: { id: this.id, type: this.type },
    })
  }

  /**
   * Waits until the activity has ended and gives its result, parsed from JSON and by the output schema.
   * Throws {@link ActivityFailedError} when it ended without one, `timeout` after `timeoutMs`, `cancelled` when the signal
   * aborts, `serialization` when the output schema refuses the result. Giving up cancels nothing.
   */
  async result(options: ResultOptions = {}): Promise<Result> {
    const stored = await this.#await(options)
    if (stored.state === 'err') throw failedErrorOf(this, stored)
    return this.#parse(JSON.parse(stored.dataJson))
  }

  /** Ends it when it waits; asks it to end when it runs. Throws `not_found`. */
  cancel(options: { readonly reason?: string | undefined } = {}): Promise<CancelAnswer> {
    return cancelActivity(this.#options, this.id, options)
  }

  /** Plain data, for `client.handle` in another process. */
  toJSON(): HandleJson {
    const { id, type, outcome, coordinates } = this
    return { id, type, outcome, ...(coordinates === undefined ? {} : { coordinates }) }
  }

  async #parse(value: unknown): Promise<Result> {
    const { output, type } = this.#definition
    // Without an output schema `Result` is `unknown`, which every value is.
    if (output === undefined) return value as Result
    const validated = await validate(output, value, { field: 'result', type, code: 'serialization' })
    if (validated.ok) return validated.value
    throw validated.error
  }

  async #await({ signal, timeoutMs }: ResultOptions): Promise<StoredResult> {
    const { storage, clock, telemetry } = this.#options
    if (timeoutMs === undefined) {
      const params = { id: this.id, ...(signal === undefined ? {} : { signal }) }
      return telemetry.quietly(() => storage.awaitResult(params))
    }
    checkInteger('timeoutMs', timeoutMs, 1, LIMITS.waitMsMax)
    const late = new AbortController()
    const done = new AbortController()
    // A sleep and not a mere deadline: the process must not end, silently, while somebody waits for this.
    const sleeping = clock.sleep(timeoutMs, { signal: done.signal }).then(
      () => late.abort(),
      () => undefined, // it ended in time
    )
    const until = signal === undefined ? late.signal : AbortSignal.any([signal, late.signal])
    try {
      return await telemetry.quietly(() => storage.awaitResult({ id: this.id, signal: until }))
    } catch (error) {
      if (!late.signal.aborted || signal?.aborted === true) throw error
      throw new ErrandError('timeout', `activity ${this.id} ('${this.type}') did not end within ${timeoutMs} ms.`, {
        details: { id: this.id, type: this.type, timeoutMs },
        cause: error,
      })
    } finally {
      done.abort()
      await sleeping
    }
  }
}

/** Cancels by id. Throws `not_found`, or `invalid_argument` for a reason above 1 KiB. */
export async function cancelActivity(
  { storage, telemetry }: Pick<ResolvedClientOptions, 'storage' | 'telemetry'>,
  id: string,
  { reason }: { readonly reason?: string | undefined },
): Promise<CancelAnswer> {
  if (reason !== undefined) checkText('reason', reason, LIMITS.reasonBytesMax, 0)
  const params = { id: checkId(id), ...(reason === undefined ? {} : { reason }) }
  return telemetry.quietly(() => storage.cancel(params))
}

/** The handle's data from an id, its JSON, or the text of its JSON. Throws `invalid_argument`. */
export function handleJsonOf(type: string, idOrJson: string | HandleJson): HandleJson {
  const json = typeof idOrJson === 'string' ? fromText(type, idOrJson) : idOrJson
  if (typeof json !== 'object' || json === null) throw notAHandle(json)
  if (json.type !== type) {
    throw new ErrandError('invalid_argument', `the handle is one of ${describe(json.type)}, not of '${type}'.`, {
      details: { field: 'type', received: describe(json.type), allowed: type },
    })
  }
  const { coordinates } = json
  const outcome = json.outcome === 'created' ? 'created' : 'existing'
  return { id: checkId(json.id), type, outcome, ...(coordinates === undefined ? {} : { coordinates }) }
}

function fromText(type: string, text: string): HandleJson {
  if (!text.startsWith('{')) return { id: text, type, outcome: 'existing' }
  try {
    return JSON.parse(text)
  } catch (error) {
    throw notAHandle(text, error)
  }
}

function notAHandle(value: unknown, cause?: unknown): ErrandError {
  return new ErrandError('invalid_argument', `the handle is ${describe(value)}; it must be an id or a handle's JSON.`, {
    details: { field: 'handle' },
    cause,
  })
}
