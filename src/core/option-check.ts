// Checks an options object: unknown names are refused, and one error lists everything that is wrong with it.

import { ErrandError, isErrandError } from './errors.ts'
import { checkInteger } from './text.ts'

/** Collects the problems of one options object. Make it, check each option, then {@link throwIfAny}. */
export class OptionCheck {
  readonly #owner: string
  readonly #problems: string[] = []
  #field: unknown

  /** `owner` names the options in the message, such as `WorkerOptions`. Refuses names that are not `known`. */
  constructor(owner: string, options: object, known: readonly string[]) {
    this.#owner = owner
    for (const name of Object.keys(options)) {
      if (!known.includes(name)) this.add(`there is no option '${name}'; known are ${known.join(', ')}.`, name)
    }
  }

  /** Notes a problem. */
  add(problem: string, field: unknown): void {
    this.#problems.push(problem)
    this.#field ??= field
  }

  /** A whole number in its range; the lowest one stands in when it is not. */
  integer(field: string, value: unknown, min: number, max: number): number {
    return this.value(min, () => checkInteger(field, value, min, max))
  }

  /** What `check` gives back; `fallback` stands in when it throws an ErrandError. */
  value<T>(fallback: T, check: () => T): T {
    try {
      return check()
    } catch (error) {
      if (!isErrandError(error)) throw error
      this.add(error.message.replace(/^\[\w+\] /, ''), error.details['field'])
      return fallback
    }
  }

  /** Throws `invalid_argument` with all problems; `details.field` is the first one's. */
  throwIfAny(): void {
    if (this.#problems.length === 0) return
    throw new ErrandError('invalid_argument', `${this.#owner}: ${this.#problems.join(' ')}`, {
      details: { field: this.#field, problems: this.#problems },
    })
  }
}
