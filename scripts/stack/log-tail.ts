import { readFileSync } from 'node:fs'

/** The last lines of a log, with its name above: the first thing to look at when something does not come up. */
export function logTail(file: string, lines = 15): string {
  try {
    const text = readFileSync(file, 'utf8').trimEnd()
    return `the end of ${file}:\n${text.split('\n').slice(-lines).join('\n')}`
  } catch {
    return `there is no log ${file}`
  }
}
