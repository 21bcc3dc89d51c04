// How many tests passed, failed and were skipped: the last line of `npm test`.

/** Numbers of tests. What could not even run counts as failed. */
export interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/** The variable that tells the reporter which file to write its counts to. */
export const COUNTS_FILE_VARIABLE = 'ERRAND_COUNTS_FILE'

/** The line: `12 passed, 0 failed, 1 skipped`. */
export function countsLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`
}

/**
 * The counts that are shown, from what the reporter wrote and how the runner ended. A runner that ends badly without a
 * failed test (or without any counts, as when its configuration does not load) is one failure.
 */
export function finalCounts(reported: Counts | undefined, exitCode: number): Counts {
  const counts = reported ?? { passed: 0, failed: 0, skipped: 0 }
  const isUnexplained = counts.failed === 0 && (exitCode !== 0 || reported === undefined)
  return isUnexplained ? { ...counts, failed: 1 } : counts
}

/** Reads what the reporter wrote; undefined when that is not counts. */
export function parseCounts(text: string): Counts | undefined {
  try {
    const { passed, failed, skipped }: Partial<Counts> = JSON.parse(text)
    return passed === undefined || failed === undefined || skipped === undefined
      ? undefined
      : { passed, failed, skipped }
  } catch {
    return undefined
  }
}
