// Figures, and how they are printed.

/** One measured figure. */
export interface Figure {
  readonly subject: string
  /** What was measured, with its settings. */
  readonly measure: string
  readonly value: number
  readonly unit: '/s' | 'ms'
  /** The value as a share of plain kafkajs doing the same, where there is such a thing. */
  readonly shareOfPlainKafka?: number
}

/** Where the figures are from: they compare only with figures of the same machine, taken in the same hour. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  readonly node: string
  readonly platform: string
  readonly broker: string
}

/** Everything of one call. */
export interface BenchReport {
  readonly mode: string
  readonly storage: string
  /** Whose topics hold what was written; null on memory. They are not deleted. */
  readonly namespace: string | null
  readonly secondsPerMeasure: number
  readonly payloadBytes: 300
  readonly machine: Machine
  readonly figures: readonly Figure[]
}

/** The value at a share of the sorted values; NaN when there are none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

/** The report as a table. */
export function reportText({ mode, storage, secondsPerMeasure, machine, figures }: BenchReport): string {
  const { cpu, cores, memoryGiB, node, platform, broker } = machine
  const rows = figures.map(({ subject, measure, value, unit, shareOfPlainKafka: share }) => [
    subject,
    measure,
    `${unit === '/s' ? Math.round(value).toLocaleString('en-US') : value.toFixed(1)} ${unit}`,
    share === undefined ? '' : `${(100 * share).toFixed(0)} % of kafkajs`,
  ])
  const widths = [0, 1, 2].map(column => Math.max(...rows.map(row => row[column]?.length ?? 0)))
  const lines = rows.map(row =>
    row
      .map((cell, at) => (at === 2 ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
  return [
    `${mode} on ${storage}, ${secondsPerMeasure} s for each measurement, payloads of 300 bytes`,
    `${cores} × ${cpu}, ${memoryGiB} GiB, ${platform}, Node ${node}; ${broker}`,
    '',
    ...lines,
  ].join('\n')
}
