// The door for those who enqueue. It knows only the port; the steps of an enqueue are in `submission.ts`.

import { ErrandError, invariant } from '../core/errors.ts'
import { LIMITS } from '../core/limits.ts'
import { checkId } from '../core/names.ts'
import { checkInteger, describe } from '../core/text.ts'
import type { ActivityEvent, CancelAnswer, DiscardAnswer, EventGap } from '../storage/storage.ts'
import type { ActivitySpan } from '../telemetry/telemetry.ts'
import type { ClientOptions, ResolvedClientOptions } from './client-options.ts'
import { resolveClientOptions } from './client-options.ts'
import type { ActivityDefinition } from './define-activity.ts'
import type { HandleJson } from './handle.ts'
import { Handle, cancelActivity, handleJsonOf } from './handle.ts'
import { Inspector } from './inspector.ts'
import { quietly } from './quiet-iteration.ts'
import type { RedriveOptions } from './redrive.ts'
import { redriveActivity } from './redrive.ts'
import type { EnqueueOptions, SubmissionAnswer, SubmissionItem } from './submission.ts'
import { submit } from './submission.ts'
import { TypeDeclarations } from './type-declarations.ts'

/** One item of {@link Client.enqueueMany}. */
export interface EnqueueItem<Given> {
  readonly input: Given
  readonly options?: EnqueueOptions | undefined
}

/**
 * What became of one item. `refused`: nothing was written for it · `unavailable`: the outcome is unknown; the same key or id
 * is safe to send again. `id` is undefined when the item was refused before it had one.
 */
export type EnqueueItemAnswer<Result> =
  | { readonly outcome: 'created'; readonly handle: Handle<Result> }
  | { readonly outcome: 'existing'; readonly handle: Handle<Result> }
  | { readonly outcome: 'refused'; readonly id: string | undefined; readonly error: ErrandError }
  | { readonly outcome: 'unavailable'; readonly id: string | undefined; readonly error: ErrandError }

/**
 * Enqueues activities and looks after them.
 *
 * @example
 * await using client = new Client({ storage })
 * const handle = await client.enqueue(sendInvoice, { orderId: '42' }, { key: 'invoice-42' })
 * const { receiptId } = await handle.result({ timeoutMs: 60_000 })
 */
export class Client {
  /** Looking without touching. */
  readonly inspect: Inspector
  readonly #options: ResolvedClientOptions
  #declarations: TypeDeclarations
  #parentId: string | undefined
  #parentSpan: ActivitySpan | undefined

  /** Throws `invalid_argument` naming the option. */
  constructor(options: ClientOptions) {
    this.#options = resolveClientOptions(options)
    this.#declarations = new TypeDeclarations(this.#options.storage)
    this.inspect = new Inspector(this.#options)
  }

  /**
   * Enqueues one activity; resolves when it is accepted, which is for good.
   *
   * Throws `invalid_argument` naming `input` and the path (or the option) with nothing written, `payload_too_large`,
   * `duplicate_activity` or `idempotency_conflict` with `details.existingId`, and `unavailable` when the outcome is unknown:
   * sending the same again under the key, or under `details.id`, is safe.
   */
  async enqueue<Given, Parsed, Returned, Result>(
    definition: ActivityDefinition<Given, Parsed, Returned, Result>,
    input: NoInfer<Given>,
    options: EnqueueOptions = {},
  ): Promise<Handle<Result>> {
    const [answer] = await this.#submit(definition, [{ input, options }])
    invariant(answer !== undefined, 'one item has one answer')
    if ('error' in answer) throw answer.error
    return this.#handle(definition, answer)
  }

  /**
   * Enqueues 1 to 10,000 activities of one type in one step; one answer each, in order. An item that is refused or unavailable
   * does not touch its neighbours. Throws only when the call as a whole is wrong or the type cannot be declared.
   */
  async enqueueMany<Given, Parsed, Returned, Result>(
    definition: ActivityDefinition<Given, Parsed, Returned, Result>,
    items: readonly EnqueueItem<NoInfer<Given>>[],
  ): Promise<EnqueueItemAnswer<Result>[]> {
    if (!Array.isArray(items)) {
      throw new ErrandError('invalid_argument', `items is ${describe(items)}; it must be an array.`, {
        details: { field: 'items' },
      })
    }
    if (items.length === 0) return []
    checkInteger('items.length', items.length, 1, LIMITS.enqueueBatchMax)
    const answers = await this.#submit(definition, items)
    return answers.map(answer =>
      'error' in answer ? answer : { outcome: answer.outcome, handle: this.#handle<Result>(definition, answer) },
    )
  }

  /** Brings a handle back, from an id, a handle's JSON, or its text. Asks nobody; throws `invalid_argument`. */
  handle<Given, Parsed, Returned, Result>(
    definition: ActivityDefinition<Given, Parsed, Returned, Result>,
    idOrJson: string | HandleJson,
  ): Handle<Result> {
    return new Handle<Result>(this.#options, definition, handleJsonOf(definition.type, idOrJson))
  }

  /** Ends an activity that waits; asks one that runs to end. Throws `not_found`. */
  cancel(id: string, options: { readonly reason?: string | undefined } = {}): Promise<CancelAnswer> {
    return cancelActivity(this.#options, id, options)
  }

  /**
   * Enqueues a failed, dead-lettered or cancelled activity anew, as another activity that names it. Twice gives the same one.
   * Throws `not_found`, or `conflict` when it has not ended or has completed.
   *
   * With an `edit` the new activity has another payload, and `edited_from` in its metadata; the original stays as it is. Throws
   * `conflict`, with `details.redrivenAs`, also when the original was redriven before under another id than `edit.newId`.
   */
  async redrive(id: string, options: RedriveOptions = {}): Promise<{ readonly id: string }> {
    return redriveActivity(this.#options, checkId(id), options)
  }

  /**
   * Sets a dead letter aside that was dealt with: it is no longer shown among dead letters unless asked for. Its record stays until
   * its retention ends, and redriving it undoes the discard. Throws `not_found`, or `conflict` when it is no dead letter or was redriven.
   */
  async discard(id: string, { reason }: { readonly reason?: string | undefined } = {}): Promise<DiscardAnswer> {
    const { storage, telemetry } = this.#options
    const params = { id: checkId(id), ...(reason === undefined ? {} : { reason }) }
    return telemetry.quietly(() => storage.discard(params))
  }

  /** What happens from now on to all activities, with an explicit marker where something was missed. Ends with the signal. */
  events(params: { readonly signal: AbortSignal }): AsyncIterable<ActivityEvent | EventGap> {
    const { storage, telemetry } = this.#options
    return quietly(telemetry, storage.events(params))
  }

  /**
   * A client whose activities name this one as their parent. Handlers have theirs as `ctx.client`. `parentSpan`: of the attempt
   * whose handler it is for; its enqueues lead back to it.
   */
  childOf(parentId: string, parentSpan?: ActivitySpan): Client {
    const child = new Client(this.#options)
    child.#declarations = this.#declarations
    child.#parentId = checkId(parentId)
    child.#parentSpan = parentSpan
    return child
  }

  /** Nothing to do: the storage belongs to whoever opened it. */
  async [Symbol.asyncDispose](): Promise<void> {}

  #submit(definition: ActivityDefinition, items: readonly SubmissionItem[]): Promise<SubmissionAnswer[]> {
    const parts = {
      ...{ options: this.#options, declarations: this.#declarations },
      ...{ parentId: this.#parentId, parentSpan: this.#parentSpan },
    }
    return submit(parts, definition, items)
  }

  #handle<Result>(
    definition: ActivityDefinition<unknown, unknown, unknown, Result>,
    answer: Exclude<SubmissionAnswer, { error: ErrandError }>,
  ): Handle<Result> {
    const { id, outcome } = answer
    const coordinates = 'coordinates' in answer ? answer.coordinates : undefined
    const json = { id, outcome, type: definition.type, ...(coordinates === undefined ? {} : { coordinates }) }
    return new Handle(this.#options, definition, json)
  }
}
