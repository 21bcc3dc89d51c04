// JSON lines on stderr, warnings and errors only: stdout belongs to what a command answers.

import type { LogFields, Logger } from '../core/logger.ts'

/** Writes warnings and errors to stderr. */
export const stderrLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: (message, fields) => write('warn', message, fields),
  error: (message, fields) => write('error', message, fields),
}

function write(level: string, message: string, fields: LogFields = {}): void {
  const said = Object.entries(fields).map(([name, value]) => [name, value instanceof Error ? value.message : value])
  process.stderr.write(`${JSON.stringify({ level, message, ...Object.fromEntries(said) })}\n`)
}
