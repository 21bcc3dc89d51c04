// Durations as people write them on a command line; inside, all of them are milliseconds.

import { ErrandError } from '../core/errors.ts'

const UNITS_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** Milliseconds of `30s`, `5m`, `2h`, `7d` or `250ms`. Throws `invalid_argument` naming the option. */
export function parseDuration(option: string, text: string): number {
  const match = /^(\d{1,12})(ms|s|m|h|d)$/.exec(text)
  const unitMs = UNITS_MS[match?.[2] as keyof typeof UNITS_MS]
  if (match !== null) return Number(match[1]) * unitMs
  throw new ErrandError(
    'invalid_argument',
    `${option} is ${JSON.stringify(text)}; it must be a whole number with a unit, such as 30s, 5m, 2h or 7d.`,
    { details: { field: option } },
  )
}
