// Times as people read them: relative, never negative, the exact one beside it. Pure.

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const

/** A duration in its two largest units: `2 h 5 min`, `40 s`, `350 ms`. */
export function spanText(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`
  const at = UNITS.findIndex(([, unitMs]) => ms >= unitMs)
  const [unit, unitMs] = UNITS[at] ?? UNITS[3]
  if (unit === 's' && ms < 10_000) return `${(ms / 1_000).toFixed(1).replace(/\.0$/, '')} s`
  const whole = Math.floor(ms / unitMs)
  const below = UNITS[at + 1]
  const rest = below === undefined ? 0 : Math.floor((ms - whole * unitMs) / below[1])
  return rest === 0 || below === undefined ? `${whole} ${unit}` : `${whole} ${unit} ${rest} ${below[0]}`
}

/** `3 min ago`, `in 40 s`, `now`. Servers' clocks are ahead at times: up to a second is now. */
export function relativeText(atMs: number, nowMs: number): string {
  const differenceMs = atMs - nowMs
  if (Math.abs(differenceMs) < 1_000) return 'now'
  return differenceMs < 0 ? `${spanText(-differenceMs)} ago` : `in ${spanText(differenceMs)}`
}

/** For hovering: local time with milliseconds and zone, and the same in UTC. */
export function exactText(atMs: number): string {
  const at = new Date(atMs)
  const local = `${at.toLocaleDateString('en-CA')} ${at.toLocaleTimeString('en-GB')}.${String(at.getMilliseconds()).padStart(3, '0')}`
  return `${local} local · ${at.toISOString()}`
}

/** A count with its digits in groups: `1,204,113`. */
export function countText(count: number): string {
  return count.toLocaleString('en-US')
}

/** `1 activity`, `12 activities`. */
export function counted(count: number, one: string, many: string = `${one}s`): string {
  return `${countText(count)} ${count === 1 ? one : many}`
}
