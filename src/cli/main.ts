#!/usr/bin/env node
// The command `errand`. Each of its commands is a file of its own; here they are told apart, and their ends become exit codes.

import { readFileSync } from 'node:fs'
import { isErrandError } from '../core/errors.ts'
import type { Command, ExitCode, Terminal } from './command-line.ts'
import { EXIT_CODES } from './command-line.ts'
import { rebuildCommand } from './rebuild-command.ts'

const COMMANDS: Readonly<Record<string, Command>> = { rebuild: rebuildCommand }

/** Runs what the arguments say. Never throws. */
async function run([name, ...args]: readonly string[], terminal: Terminal): Promise<ExitCode> {
  if (name === '--version') return say(terminal, version())
  if (name === '--help' || name === '-h' || name === 'help') return say(terminal, overview())
  const command = name !== undefined && Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (command === undefined) {
    const what = name === undefined ? 'Say what to do.' : `There is no command ${JSON.stringify(name)}.`
    terminal.err(`${what}\n\n${overview()}\n`)
    return EXIT_CODES.usage
  }
  if (args.includes('--help') || args.includes('-h')) return say(terminal, command.help)
  try {
    return await command.run(args, terminal)
  } catch (error) {
    return ended(error, terminal, name ?? '')
  }
}

function ended(error: unknown, terminal: Terminal, name: string): ExitCode {
  if (terminal.signal.aborted && isErrandError(error, 'cancelled')) {
    terminal.err('interrupted\n')
    return EXIT_CODES.interrupted
  }
  terminal.err(`${error instanceof Error ? error.message : String(error)}\n`)
  if (!isErrandError(error, 'invalid_argument')) return EXIT_CODES.failed
  terminal.err(`\`errand ${name} --help\` says more.\n`)
  return EXIT_CODES.usage
}

function say(terminal: Terminal, text: string): ExitCode {
  terminal.out(text)
  return EXIT_CODES.ok
}

function overview(): string {
  const width = Math.max(...Object.keys(COMMANDS).map(name => name.length))
  const list = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`)
  return `errand <command> [options]\n\n${list.join('\n')}\n\n\`errand <command> --help\` says more; \`errand --version\` which it is.`
}

/** Beside `src` and `dist` alike. */
function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

function terminalOf(stopping: AbortController): Terminal {
  return {
    env: process.env,
    signal: stopping.signal,
    out: text => void process.stdout.write(`${text}\n`),
    err: text => void process.stderr.write(text),
    isInteractive: process.stderr.isTTY,
  }
}

async function main(): Promise<ExitCode> {
  const stopping = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // Once: a second one ends the process as it always would.
    process.once(signal, () => stopping.abort())
  }
  return run(process.argv.slice(2), terminalOf(stopping))
}

// Set, not called: what was written to a pipe is still to be read.
process.exitCode = await main()
