// Writes down how attempts ended. A settlement is repeated until the storage answers: while Redis or Kafka is away it waits,
// its lease is renewed as long as that works, and only the end of a stop's grace gives it up. The lease is the fence: whatever
// is sent late or twice changes nothing.

import type { AttemptFailureReport, RecordedFailure } from '../core/activity.ts'
import type { Clock } from '../core/clock.ts'
import type { ErrandError } from '../core/errors.ts'
import { recordFailure } from '../core/failure.ts'
import type { AckFailureAnswer, AckSuccessAnswer, Storage } from '../storage/storage.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import type { Attempt } from './attempt.ts'
import type { AttemptEnding } from './attempt-ending.ts'
import { endingOf } from './attempt-ending.ts'
import type { HeldAttempts } from './held-attempts.ts'
import type { RepeatParts } from './repeat.ts'
import { untilAnswered } from './repeat.ts'
import { SettlementSpans, settlementError } from './settlement-spans.ts'
import { SuccessBatcher } from './success-batcher.ts'
import type { WorkerEmitter } from './worker-events.ts'

/** What a settler needs. */
export interface SettlerParts {
  readonly storage: Storage
  readonly clock: Clock
  readonly held: HeldAttempts
  readonly events: WorkerEmitter
  readonly telemetry: Telemetry
  /** Aborted when a stop's grace is over. */
  readonly abandon: AbortSignal
  /** Called once for each attempt; must not throw. */
  readonly onEnded: (attempt: Attempt, ending: AttemptEnding) => void
}

/** Settles attempts, each once. */
export class Settler {
  readonly #parts: SettlerParts
  readonly #repeat: RepeatParts
  readonly #successes: SuccessBatcher
  readonly #spans: SettlementSpans

  constructor(parts: SettlerParts) {
    this.#parts = parts
    this.#spans = new SettlementSpans(parts.telemetry)
    this.#repeat = {
      clock: parts.clock,
      abandon: parts.abandon,
      // The first and then ever more rarely: an outage of an hour is not worth a line every two seconds for each attempt.
      onFailure: (error, before) => {
        if ((before & (before + 1)) === 0) parts.events.fail('settling', error)
      },
    }
    this.#successes = new SuccessBatcher({
      ...this.#repeat,
      storage: parts.storage,
      telemetry: parts.telemetry,
      onAnswer: ({ attempt }, answer) => this.#end(attempt, successEnding(answer)),
      onRefused: ({ attempt }, error) => this.#refused(attempt, error),
    })
  }

  succeed(attempt: Attempt, resultJson: string): void {
    this.#decide(attempt, 'settling')
    this.#successes.add({ attempt, resultJson })
  }

  fail(attempt: Attempt, failure: AttemptFailureReport): void {
    this.#decide(attempt, 'settling')
    void this.#fail(attempt, failure)
  }

  /** Gives the attempt back uncounted. */
  release(attempt: Attempt): void {
    this.#decide(attempt, 'releasing')
    void this.#release(attempt)
  }

  #decide(attempt: Attempt, state: 'settling' | 'releasing'): void {
    const { held, clock } = this.#parts
    held.decide(attempt, state)
    attempt.decidedMs = clock.monotonicMs()
    this.#spans.decided(attempt)
  }

  async #fail(attempt: Attempt, failure: AttemptFailureReport): Promise<void> {
    const { storage, telemetry } = this.#parts
    try {
      const trace = this.#spans.failing(attempt, failure)
      const call = (): Promise<AckFailureAnswer> => storage.ackFailure({ ...attempt.lease, failure, trace })
      const answer = await untilAnswered(this.#repeat, () => telemetry.quietly(call))
      this.#end(attempt, failureEnding(answer, failure.error))
    } catch (error) {
      this.#giveUp(attempt, error)
    }
  }

  async #release(attempt: Attempt): Promise<void> {
    const { storage, telemetry } = this.#parts
    try {
      const call = (): Promise<'released' | 'lease_lost'> => storage.releaseLease(attempt.lease)
      const answer = await untilAnswered(this.#repeat, () => telemetry.quietly(call))
      this.#end(attempt, endingOf(answer ?? 'abandoned'))
    } catch (error) {
      this.#giveUp(attempt, error)
    }
  }

  /** A result that the storage will not take fails its activity: another run would only make the same one. */
  #refused(attempt: Attempt, error: ErrandError): void {
    void this.#fail(attempt, { kind: 'non_retryable', error: recordFailure(error) })
  }

  #giveUp(attempt: Attempt, error: unknown): void {
    const during = `settling attempt ${attempt.claimed.attempt} of activity ${attempt.activity.id}`
    this.#parts.events.fail(during, error, attempt.logFields)
    this.#end(attempt, endingOf('abandoned'))
  }

  #end(attempt: Attempt, ending: AttemptEnding): void {
    const { telemetry, clock } = this.#parts
    const { type } = attempt.activity
    const error = settlementError(ending)
    telemetry.duration('settle', clock.monotonicMs() - attempt.decidedMs, { type, outcome: ending.outcome, error })
    this.#spans.ended(attempt, ending)
    this.#parts.onEnded(attempt, ending)
  }
}

function successEnding(answer: AckSuccessAnswer | undefined): AttemptEnding {
  switch (answer) {
    case 'settled':
      return endingOf('completed')
    case 'lease_lost':
    case 'conflict': // settled before, with another result: somebody else used this lease
      return endingOf('lease_lost')
    case undefined:
      return endingOf('abandoned')
  }
}

function failureEnding(answer: AckFailureAnswer | undefined, error: RecordedFailure): AttemptEnding {
  if (answer === undefined) return { ...endingOf('abandoned'), error }
  if (answer.outcome !== 'retrying') {
    return { ...endingOf(answer.outcome === 'conflict' ? 'lease_lost' : answer.outcome), error }
  }
  const { outcome, retryInMs, retryAtMs } = answer
  return { outcome, error, retryInMs, retryAtMs }
}
