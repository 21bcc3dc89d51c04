// Times as people read them.

/** How text shows times; JSON has milliseconds since 1970 always. */
export const TIME_STYLES = ['iso', 'relative'] as const
/** One of {@link TIME_STYLES}. */
export type TimeStyle = (typeof TIME_STYLES)[number]

const STEPS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
] as const

/** `2026-11-29T14:03:57.000Z`, or `3m ago` and `in 40s`. */
export function timeText(atMs: number, style: TimeStyle, nowMs: number): string {
  if (style === 'iso') return new Date(atMs).toISOString()
  const differenceMs = atMs - nowMs
  if (Math.abs(differenceMs) < 1_000) return 'now'
  return differenceMs < 0 ? `${spanText(-differenceMs)} ago` : `in ${spanText(differenceMs)}`
}

/** A duration in its two largest units: `2h 5m`, `40s`, `350ms`. */
export function spanText(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))}ms`
  const at = STEPS.findIndex(([, unitMs]) => ms >= unitMs)
  const [unit, unitMs] = STEPS[at] ?? STEPS[3]
  const whole = Math.floor(ms / unitMs)
  const below = STEPS[at + 1]
  const rest = below === undefined ? 0 : Math.floor((ms - whole * unitMs) / below[1])
  return rest === 0 || below === undefined ? `${whole}${unit}` : `${whole}${unit} ${rest}${below[0]}`
}
