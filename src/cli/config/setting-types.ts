// The kinds of values that settings have. Each takes what the environment and flags give (text) and what a file gives (JSON).

import { z } from 'zod'
import { isErrandError } from '../../core/errors.ts'
import { parseDuration } from '../duration.ts'

/** What is known of a setting beside its schema. */
export interface SettingMeta {
  /** Long flag without dashes; undefined: none, as for secrets, which would be seen in process lists. */
  readonly flag?: string
  /** The environment variable. */
  readonly env: string
  /** One line for help and reference. */
  readonly help: string
  /** The placeholder in help texts. */
  readonly value?: string
  /** Its flag takes no value: `--name` or `--no-name`. */
  readonly isSwitch?: true
  /** Its value is never shown. */
  readonly secret?: true
  /** As people would write it; shown where nothing is set. */
  readonly shownDefault?: string
}

/** Text that is not blank. */
export const text = (): z.ZodType<string> => z.string().trim().min(1, 'must not be empty')

/** Several texts, separated by commas or as a JSON array. */
export const texts = (): z.ZodType<string[]> =>
  z.preprocess(
    given => (typeof given === 'string' ? given.split(',').map(one => one.trim()) : given),
    z.array(z.string().min(1, 'must not be empty')).min(1, 'must name at least one'),
  )

/** A whole number in a range. */
export const integer = (min: number, max: number): z.ZodType<number> =>
  z.preprocess(
    given => (typeof given === 'string' && /^-?\d+$/.test(given.trim()) ? Number(given) : given),
    z.number(`must be a whole number`).int().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`),
  )

/** `true` or `false`, `1` or `0`, `on` or `off`, `yes` or `no`. */
export const flag = (): z.ZodType<boolean> =>
  z.preprocess(given => {
    if (typeof given !== 'string') return given
    return { true: true, 1: true, on: true, yes: true, false: false, 0: false, off: false, no: false }[
      given.trim().toLowerCase()
    ]
  }, z.boolean('must be true or false'))

/** One of some words. */
export const oneOf = <const Words extends readonly [string, ...string[]]>(words: Words): z.ZodType<Words[number]> =>
  z.enum(words, `must be one of ${words.join(', ')}`)

/** A duration such as `30s`, in ms inside. */
export const duration = (minMs: number, maxMs: number): z.ZodType<number> =>
  z.any().transform((given: unknown, context) => {
    try {
      const ms = typeof given === 'number' ? given : parseDuration('it', String(given).trim())
      if (Number.isSafeInteger(ms) && ms >= minMs && ms <= maxMs) return ms
      context.addIssue({ code: 'custom', message: `must be between ${durationText(minMs)} and ${durationText(maxMs)}` })
    } catch (error) {
      if (!isErrandError(error)) throw error
      context.addIssue({ code: 'custom', message: 'must be a whole number with a unit, such as 30s, 5m, 2h or 7d' })
    }
    return z.NEVER
  })

/** A duration as people write it. */
export function durationText(ms: number): string {
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1_000],
  ] as const
  for (const [unit, unitMs] of units) if (ms >= unitMs && ms % unitMs === 0) return `${ms / unitMs}${unit}`
  return `${ms}ms`
}
