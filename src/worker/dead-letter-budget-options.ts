// What a Worker's `deadLetterBudget` is made from.

import { DEAD_LETTER_BUDGET_LIMITS } from '../core/limits.ts'
import type { OptionCheck } from '../core/option-check.ts'
import { describe } from '../core/text.ts'

/**
 * How many dead letters each type may make in this worker before it slows down. Credits pay for them: at first there are
 * `burst`, each success earns `perSuccess`, each minute `perMinute`, and there are never more than `burst`.
 */
export interface DeadLetterBudgetOptions {
  /**
   * Dead letters at once. Range: 1 to 1,000. @defaultValue 20
   * Too low: a few broken activities slow their type down. Too high: a short outage fills the DLQ.
   */
  readonly burst?: number
  /**
   * Credits for a success. Range: 0 to 1. @defaultValue 0.1
   * At 0.1 a type of which every tenth activity dies goes on at full pace. Raise it where more than that is usual.
   */
  readonly perSuccess?: number
  /**
   * Credits for a minute. Range: 0.1 to 1,000. @defaultValue 1
   * Too low: an activity that always fails waits long for its end where nothing else succeeds. Too high: a long outage fills the DLQ.
   */
  readonly perMinute?: number
  /**
   * Longest pause between two probes of a type that has stopped. Unit: ms. Range: 10 to an hour. @defaultValue 60_000
   * Too low: an outage uses up the attempts of whatever probes it. Too high: the type stands still so long after the outage.
   */
  readonly pauseMaxMs?: number
}

/** A budget, complete and in range. */
export type ResolvedDeadLetterBudget = Readonly<Required<DeadLetterBudgetOptions>>

/** A budget unless the worker says otherwise. */
export const DEFAULT_DEAD_LETTER_BUDGET: ResolvedDeadLetterBudget = {
  burst: 20,
  perSuccess: 0.1,
  perMinute: 1,
  pauseMaxMs: 60_000,
}

const NAMES = ['burst', 'perSuccess', 'perMinute', 'pauseMaxMs'] as const

/** Completes a budget and notes what is wrong with it. Undefined: none is kept. */
export function resolveDeadLetterBudget(check: OptionCheck, value: unknown): ResolvedDeadLetterBudget | undefined {
  if (value === false) return undefined
  if (value === undefined) return DEFAULT_DEAD_LETTER_BUDGET
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    check.add(`deadLetterBudget is ${describe(value)}; it must be false or its settings.`, 'deadLetterBudget')
    return DEFAULT_DEAD_LETTER_BUDGET
  }
  const given: DeadLetterBudgetOptions = value
  for (const name of Object.keys(value).filter(each => !NAMES.some(known => known === each))) {
    const field = `deadLetterBudget.${name}`
    check.add(`there is no option '${field}'; known are ${NAMES.join(', ')}.`, field)
  }
  return {
    burst: amount(check, given, 'burst', true),
    perSuccess: amount(check, given, 'perSuccess', false),
    perMinute: amount(check, given, 'perMinute', false),
    pauseMaxMs: amount(check, given, 'pauseMaxMs', true),
  }
}

function amount(
  check: OptionCheck,
  given: DeadLetterBudgetOptions,
  name: keyof DeadLetterBudgetOptions,
  isWhole: boolean,
): number {
  const value: unknown = given[name] ?? DEFAULT_DEAD_LETTER_BUDGET[name]
  const [min, max] = DEAD_LETTER_BUDGET_LIMITS[name]
  const field = `deadLetterBudget.${name}`
  if (isWhole) return check.integer(field, value, min, max)
  if (typeof value === 'number' && value >= min && value <= max) return value
  check.add(`${field} is ${describe(value)}; it must be a number from ${min} to ${max}.`, field)
  return min
}
