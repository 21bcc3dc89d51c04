// Every run is kept: figures are worth something only beside those of before.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BenchReport } from './report.ts'

/** Where runs are kept; git does not see it. */
export const RESULTS_DIR: string = join(import.meta.dirname, 'results')

/** Writes a report into the folder and answers the file. */
export function keepReport(report: BenchReport, folder: string): string {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `${report.mode}-${report.startedAt.replaceAll(/[:.]/g, '-')}.json`)
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`)
  return file
}
