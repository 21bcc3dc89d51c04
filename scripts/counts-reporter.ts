// A reporter of vitest that writes nothing but numbers to the file that `scripts/test.ts` names.

import { writeFileSync } from 'node:fs'
import type { Reporter, SerializedError, TestModule, TestSuite } from 'vitest/node'
import { type Counts, COUNTS_FILE_VARIABLE } from './counts.ts'

/** Counts tests; a file that does not load, a hook that throws and an unhandled error are a failure each. */
export default class CountsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const file = process.env[COUNTS_FILE_VARIABLE]
    if (file !== undefined) writeFileSync(file, JSON.stringify(countOf(modules, unhandledErrors.length)))
  }
}

function countOf(modules: readonly TestModule[], unhandledErrors: number): Counts {
  const tests = modules.flatMap(module => [...module.children.allTests()])
  const stateCount = (state: string): number => tests.filter(test => test.result().state === state).length
  const groups: (TestModule | TestSuite)[] = modules.flatMap(module => [module, ...module.children.allSuites()])
  const broken = groups.filter(group => group.errors().length > 0).length
  // Pending at the end: collected, but never run.
  const failed = stateCount('failed') + stateCount('pending') + broken + unhandledErrors
  return { passed: stateCount('passed'), failed, skipped: stateCount('skipped') }
}
