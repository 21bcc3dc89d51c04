#!/usr/bin/env node
// The command `errand`. Its commands are files of their own in `commands/`; here the process begins and ends.

import { COMMANDS } from './commands/index.ts'
import { runProgram } from './program.ts'
import { processTerminal } from './terminal.ts'
import { packageVersion } from './version.ts'

const terminal = processTerminal()
process.exitCode = await runProgram(COMMANDS, process.argv.slice(2), terminal, packageVersion())
// Else it ends by itself, once what was written to a pipe is read. A handler that ignores its signal would hold up a process
// that was asked to stop.
if (terminal.signal.aborted) process.exit()
