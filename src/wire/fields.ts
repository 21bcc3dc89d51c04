// Fields that several record kinds share: how they are checked on the way in and written on the way out.
// The rules themselves are core's: a schema here asks core's own checks, so that wire and doors cannot disagree.

import { z } from 'zod'

import { LIMITS } from '../core/limits.ts'
import { checkId, checkType } from '../core/names.ts'
import { PRIORITIES } from '../core/priority.ts'
import { checkText, clipUtf8 } from '../core/text.ts'

/** A string that one of core's checks accepts; the check's own words are the message. */
export function accepted(check: (value: unknown) => unknown): z.ZodString {
  return z.string().check(asCheck(check))
}

/** One of core's checks as a schema's. */
export function asCheck(check: (value: unknown) => unknown): z.core.CheckFn<unknown> {
  return context => {
    try {
      check(context.value)
    } catch (error) {
      const message = error instanceof Error ? error.message.replace(/^\[\w+\] /, '') : String(error)
      context.issues.push({ code: 'custom', input: context.value, message })
    }
  }
}

export const idField: z.ZodString = accepted(checkId)
export const typeField: z.ZodString = accepted(checkType)
export const priorityField: z.ZodEnum<{ critical: 'critical'; high: 'high'; normal: 'normal'; low: 'low' }> =
  z.enum(PRIORITIES)
export const attemptField: z.ZodInt = z.int().min(1).max(LIMITS.attemptsMax)
/** Counts that may be 0, such as `retry_count`, and `max_retries`, where 0 means unlimited. */
export const countField: z.ZodInt = z.int().min(0).max(LIMITS.attemptsMax)
export const workerField: z.ZodString = accepted(value => checkText('worker', value, LIMITS.workerIdBytesMax, 0))

/**
 * RFC 3339 with `Z` or an offset, from 1970 on and before 10000 in UTC too, which is how it is written again: an offset can
 * carry the last hours of 9999 over. Our own writers put UTC with milliseconds.
 */
export const timeField: z.ZodType<string> = z.iso
  .datetime({ offset: true })
  .refine(text => Date.parse(text) >= 0, 'must not be before 1970')
  .refine(text => Date.parse(text) <= LIMITS.timeMsMax, 'must be before the year 10000 in UTC')

/** Milliseconds since the epoch of a time that {@link timeField} accepted. Parts of a millisecond are dropped. */
export function msOf(time: string): number {
  return Date.parse(time)
}

/** The same for a field that may be absent or null. */
export function msOrNull(time: string | null | undefined): number | null {
  return time === null || time === undefined ? null : msOf(time)
}

/** A time as JSON text: quoted, UTC, milliseconds. */
export function timeJson(atMs: number): string {
  const place = atMs % TIMES_KEPT
  const kept = times[place]
  if (kept?.atMs === atMs) return kept.json
  const json = `"${new Date(atMs).toISOString()}"`
  times[place] = { atMs, json }
  return json
}

/** The records of a batch say a few milliseconds over and over, and a Date costs more than the rest of a record. */
const TIMES_KEPT = 256
const times: ({ readonly atMs: number; readonly json: string } | undefined)[] = Array.from({ length: TIMES_KEPT })

/** A string or null as JSON text. */
export function textJson(text: string | null | undefined): string {
  return text === null || text === undefined ? 'null' : JSON.stringify(text)
}

/** A text as JSON, cut and made well-formed where it must be: what we write, we can read again. */
export function boundedJson(text: string, bytesMax: number): string {
  return JSON.stringify(clipUtf8(text.toWellFormed(), bytesMax))
}

/** A worker's id as JSON text, or `null`. */
export function workerJson(worker: string | null): string {
  return worker === null ? 'null' : boundedJson(worker, LIMITS.workerIdBytesMax)
}

/** `max_retries` on the wire: the total of attempts, 0 for unlimited. */
export function maxRetriesOf(maxAttempts: number | 'unlimited'): number {
  return maxAttempts === 'unlimited' ? 0 : maxAttempts
}

/** The total of attempts that `max_retries` says. */
export function maxAttemptsOf(maxRetries: number): number | 'unlimited' {
  return maxRetries === 0 ? 'unlimited' : maxRetries
}
