// Everything of one call of the benchmarks: as JSON it is kept, as text it is printed.

import { cpus, totalmem } from 'node:os'
import type { Figure, Ratio, Summary } from './figures.ts'
import { valueText } from './figures.ts'
import { PAYLOAD_BYTES } from './subject.ts'

/** Where the figures are from: they compare only with figures of the same machine, taken in the same hour. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  readonly node: string
  readonly platform: string
  /** The Kafka and the Redis, with how many copies and how they keep data. */
  readonly servers: string
}

/** Who was measured. */
export interface SubjectNote {
  readonly name: string
  readonly version: string
  /** What is true of a write once it is accepted, and with which settings the subject ran. */
  readonly promise: string
}

/** Everything of one call. */
export interface BenchReport {
  readonly mode: string
  readonly storage: string
  /** When it began. ISO 8601. */
  readonly startedAt: string
  readonly rounds: number
  readonly secondsPerMeasure: number
  readonly payloadBytes: typeof PAYLOAD_BYTES
  readonly machine: Machine
  readonly subjects: readonly SubjectNote[]
  /** Medians over the rounds. */
  readonly figures: readonly Summary[]
  /** Errand's figures as ratios of the peers'. */
  readonly ratios: readonly Ratio[]
}

/** This machine, with what is known of the servers. */
export function machineOf(servers: string): Machine {
  const [cpu] = cpus()
  return {
    cpu: cpu?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
    servers,
  }
}

/** The report as a table. */
export function reportText(report: BenchReport): string {
  const { mode, storage, rounds, secondsPerMeasure, machine, figures, ratios, subjects } = report
  const { cpu, cores, memoryGiB, node, platform, servers } = machine
  const spread = rounds > 1 ? `; medians of ${rounds} rounds (lowest to highest)` : ''
  const notes = subjects.map(({ name, version, promise }) => `${name} ${version}: ${promise}`)
  return [
    `${mode} on ${storage}: ${secondsPerMeasure} s for each measurement, payloads of ${PAYLOAD_BYTES} bytes${spread}`,
    `${cores} × ${cpu}, ${memoryGiB} GiB, ${platform}, Node ${node}`,
    servers,
    ...tableOf(figures, ratios),
    ...(notes.length > 0 ? ['', 'Once a write is accepted:', ...notes.map(note => `  ${note}`)] : []),
  ].join('\n')
}

/** A heading for each measure that several have, and under it a line for each of them; one line where there is but one. */
function tableOf(figures: readonly Summary[], ratios: readonly Ratio[]): string[] {
  const widths = {
    subject: widest(figures.map(({ subject }) => subject)),
    value: widest(figures.map(({ value, unit }) => valueText(value, unit))),
    spread: widest(figures.map(spreadText)),
  }
  const measures = [...Map.groupBy(figures, ({ measure }) => measure)]
  const single = widest(measures.filter(([, ofMeasure]) => ofMeasure.length === 1).map(([measure]) => measure))
  const isSingle = (at: number): boolean => measures[at]?.[1].length === 1
  return measures.flatMap(([measure, ofMeasure], at) => {
    const rows = ofMeasure.map(figure => {
      const ratio = ratios.find(each => each.measure === measure && each.peer === figure.subject)
      return [
        isSingle(at) ? measure.padEnd(single) : ` ${figure.subject.padEnd(widths.subject)}`,
        valueText(figure.value, figure.unit).padStart(widths.value),
        spreadText(figure).padEnd(widths.spread),
        ratio === undefined ? '' : ratioText(ratio),
      ]
        .join('  ')
        .trimEnd()
    })
    if (isSingle(at)) return isSingle(at - 1) ? rows : ['', ...rows]
    return ['', measure, ...rows]
  })
}

function widest(texts: readonly string[]): number {
  return Math.max(0, ...texts.map(({ length }) => length))
}

function spreadText({ min, max, unit, rounds }: Summary): string {
  if (rounds.length < 2) return ''
  const bare = (value: number): string => valueText(value, unit).replace(` ${unit}`, '')
  return `(${bare(min)} to ${bare(max)})`
}

function ratioText({ ratio, unit }: Pick<Ratio, 'ratio' | 'unit'>): string {
  return `errand ${ratio.toFixed(2)} ×${isMoreBetter(unit) ? '' : ', less is better'}`
}

function isMoreBetter(unit: Figure['unit']): boolean {
  return unit === '/s'
}
