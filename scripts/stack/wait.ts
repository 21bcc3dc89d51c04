// Waiting for something outside: always a poll with a deadline, never a sleep that hopes.

import { StackError } from './stack-error.ts'

/** How long to wait, how often to look, and what to say when it did not come. */
export interface WaitOptions {
  /** What is awaited, as the middle of a sentence: "Kafka on port 21092 to answer". */
  readonly what: string
  readonly deadlineMs: number
  readonly intervalMs?: number
  /** Appended to the error, such as the end of a log. */
  readonly explain?: () => string
}

/**
 * Asks until the answer is true. A `StackError` that the question throws ends the wait at once, because it says that
 * waiting cannot help; at the deadline a `StackError` says what was waited for.
 */
export async function waitUntil(isTrue: () => boolean | Promise<boolean>, options: WaitOptions): Promise<void> {
  const deadline = performance.now() + options.deadlineMs
  while (!(await isTrue())) {
    if (performance.now() > deadline) {
      const explanation = options.explain === undefined ? '' : `\n${options.explain()}`
      throw new StackError(`waited ${options.deadlineMs / 1000} s in vain for ${options.what}${explanation}`)
    }
    await pause(options.intervalMs ?? 50)
  }
}

/** A pause between two looks. */
export function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
