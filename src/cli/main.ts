#!/usr/bin/env node
// The command `errand`. Its commands are files of their own in `commands/`; here the process begins and ends.

import { readFileSync } from 'node:fs'
import { COMMANDS } from './commands/index.ts'
import { runProgram } from './program.ts'
import { processTerminal } from './terminal.ts'

/** Beside `src` and `dist` alike. */
function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

// Set, not called: what was written to a pipe is still to be read.
process.exitCode = await runProgram(COMMANDS, process.argv.slice(2), processTerminal(), version())
