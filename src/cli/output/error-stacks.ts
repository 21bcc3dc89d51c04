// Errors for whoever looks for where they come from: with the stacks of what caused them.

import { saidBy } from '../../core/errors.ts'

/** Causes of causes beyond this are no help. */
const DEPTH_MAX = 8

/** The stack of an error, and those of its causes below it; of what is no error, what it says. */
export function stacksOf(error: unknown, depth = 0): string {
  if (!(error instanceof Error)) return saidBy(error)
  const causes = [
    ...(error.cause === undefined ? [] : [error.cause]),
    ...(error instanceof AggregateError ? (error.errors as unknown[]) : []),
  ]
  const told = depth < DEPTH_MAX ? causes.map(cause => `caused by: ${stacksOf(cause, depth + 1)}`) : []
  return [error.stack ?? saidBy(error), ...told].join('\n')
}
