// Figures: what one measurement gives, and what several rounds of it come to.

/** One measured figure. */
export interface Figure {
  readonly subject: string
  /** What was measured, with its settings. */
  readonly measure: string
  readonly value: number
  readonly unit: '/s' | 'ms' | 'MB' | '%' | 'count'
}

/** The same figure over several rounds; `value` is their median. */
export interface Summary extends Figure {
  readonly min: number
  readonly max: number
  /** The value of each round, in the order they were run. */
  readonly rounds: readonly number[]
}

/** What Errand's figure is of a peer's. */
export interface Ratio {
  readonly measure: string
  readonly peer: string
  readonly unit: Figure['unit']
  /** The median of the ratios of each round, which is not the ratio of the medians. */
  readonly ratio: number
  readonly rounds: readonly number[]
}

/** The value at a share of the sorted values; NaN when there are none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

/** The middle value, or the mean of the two in the middle; NaN when there are none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
  const lower = sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN
  return (lower + upper) / 2
}

/** The figures of all rounds as one summary for each subject and measure, in the order of the first appearance. */
export function summariesOf(rounds: readonly (readonly Figure[])[]): Summary[] {
  const groups = Map.groupBy(rounds.flat(), ({ subject, measure }) => `${measure}\n${subject}`)
  return [...groups.values()].flatMap(figures => {
    const [first] = figures
    const values = figures.map(({ value }) => value)
    if (first === undefined) return []
    return [{ ...first, value: median(values), min: Math.min(...values), max: Math.max(...values), rounds: values }]
  })
}

/** For each measure that both have: the first subject's figure as a ratio of each other's, round by round. */
export function ratiosOf(summaries: readonly Summary[], subject: string): Ratio[] {
  const own = new Map(summaries.filter(each => each.subject === subject).map(each => [each.measure, each]))
  return summaries.flatMap(peer => {
    const mine = own.get(peer.measure)
    if (mine === undefined || peer.subject === subject) return []
    const rounds = peer.rounds.map((value, round) => (mine.rounds[round] ?? Number.NaN) / value)
    return [{ measure: peer.measure, peer: peer.subject, unit: peer.unit, ratio: median(rounds), rounds }]
  })
}

/** A value with its unit: whole where it counts, one decimal where it measures. */
export function valueText(value: number, unit: Figure['unit']): string {
  const isWhole = unit === '/s' || unit === 'count'
  const digits = isWhole ? Math.round(value).toLocaleString('en-US') : value.toFixed(1)
  return unit === 'count' ? digits : `${digits} ${unit}`
}
