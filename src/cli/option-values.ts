// Values of options as people write them. Each function makes the `parse` of an option: it gives the value, or throws
// `invalid_argument` naming the option and what it takes.

import { ErrandError } from '../core/errors.ts'
import { LIMITS } from '../core/limits.ts'
import { checkType } from '../core/names.ts'
import { systemClock } from '../core/clock.ts'
import { durationText } from './config/setting-types.ts'
import { parseDuration } from './duration.ts'

type Parse<Value> = (text: string) => Value

/** A whole number in a range. */
export function wholeNumber(option: string, min: number, max: number): Parse<number> {
  return text => {
    const value = Number(text)
    if (/^\d{1,15}$/.test(text) && value >= min && value <= max) return value
    throw refusal(option, text, `a whole number from ${min} to ${max.toLocaleString('en-US')}`)
  }
}

/** A duration such as `30s`, in ms. */
export function durationValue(option: string, minMs: number, maxMs: number): Parse<number> {
  return text => {
    const ms = parseDuration(option, text)
    if (ms >= minMs && ms <= maxMs) return ms
    throw refusal(option, text, `between ${durationText(minMs)} and ${durationText(maxMs)}`)
  }
}

const ISO = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/

/** A time as ISO 8601 with its zone (a date alone is midnight UTC), in ms since 1970. */
export function timeValue(option: string): Parse<number> {
  return text => isoTime(text) ?? refuse(option, text, 'a time such as 2026-11-29T14:03:57Z, with its zone')
}

/** A time as {@link timeValue} reads it, or how long ago it was, such as `2h`; in ms since 1970. */
export function timeOrAgo(option: string): Parse<number> {
  return text => {
    const atMs = isoTime(text)
    if (atMs !== undefined) return atMs
    try {
      return systemClock.nowMs() - parseDuration(option, text)
    } catch {
      throw refusal(option, text, 'a time such as 2026-11-29T14:03:57Z, or how long ago it was, such as 2h')
    }
  }
}

/** A rate such as `50/s`, `50` or `30/m`, in items a second. */
export function rateValue(option: string, min: number, max: number): Parse<number> {
  return text => {
    const match = /^(\d{1,6}(?:\.\d{1,3})?)(?:\/(s|m))?$/.exec(text)
    const perSecond = match === null ? Number.NaN : Number(match[1]) / (match[2] === 'm' ? 60 : 1)
    if (perSecond >= min && perSecond <= max) return perSecond
    throw refusal(option, text, `a rate from ${min}/s to ${max}/s, such as 50/s or 30/m`)
  }
}

/** An activity's type. */
export function typeValue(text: string): string {
  return checkType(text)
}

/** A total of attempts. */
export function attemptsValue(option: string): Parse<number | 'unlimited'> {
  const number = wholeNumber(option, 1, LIMITS.attemptsMax)
  return text => (text === 'unlimited' ? text : number(text))
}

/** `name=value`, as a pair; the value may be empty and may hold further equals signs. */
export function pairValue(option: string): Parse<readonly [string, string]> {
  return text => {
    const at = text.indexOf('=')
    if (at > 0) return [text.slice(0, at), text.slice(at + 1)]
    throw refusal(option, text, 'name=value')
  }
}

function isoTime(text: string): number | undefined {
  const atMs = ISO.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(atMs) ? undefined : atMs
}

function refuse(option: string, text: string, allowed: string): never {
  throw refusal(option, text, allowed)
}

function refusal(option: string, text: string, allowed: string): ErrandError {
  const shown = JSON.stringify(text.slice(0, 100))
  return new ErrandError('invalid_argument', `${option} is ${shown}; it must be ${allowed}.`, {
    details: { field: option },
  })
}
