// `npm run stack -- up | down | status | env`: see USAGE in command.ts.

import { environmentText, parseCommand, type StackCommand, statusText, USAGE } from './command.ts'
import { say } from './say.ts'
import { currentStack, ensureStack, type Stack, stackStatus, stopStack } from './stack.ts'
import { StackError } from './stack-error.ts'

try {
  process.exitCode = await run(parseCommand(process.argv.slice(2)))
} catch (error) {
  if (!(error instanceof StackError)) throw error
  say(error.message)
  process.exitCode = 1
}

/** Does what was asked and answers the exit code. */
async function run(command: StackCommand): Promise<number> {
  switch (command.verb) {
    case 'help':
      process.stdout.write(USAGE)
      return 0
    case 'up':
      printStack(await ensureStack(command), command)
      return 0
    case 'env':
      printStack(await requireStack(command), command)
      return 0
    case 'status':
      return await printStatus(command)
    case 'down':
      await stopStack(command)
      say(command.keepsData ? 'down; its data is kept' : 'down')
      return 0
  }
}

async function requireStack(command: StackCommand): Promise<Stack> {
  const stack = await currentStack(command)
  if (stack !== undefined) return stack
  throw new StackError('not up, or not all of it; start it with: npm run stack -- up')
}

function printStack(stack: Stack, command: StackCommand): void {
  process.stdout.write(command.isJson ? `${JSON.stringify(stack)}\n` : environmentText(stack))
}

async function printStatus(command: StackCommand): Promise<number> {
  const parts = await stackStatus(command)
  process.stdout.write(command.isJson ? `${JSON.stringify(parts)}\n` : statusText(parts))
  return parts.length > 0 && parts.every(({ answers }) => answers) ? 0 : 1
}
