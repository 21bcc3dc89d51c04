// `errand completion`: prints a script that completes commands, options and values in a shell.

import type { CommandSpec } from '../command.ts'
import { defineCommand, usage } from '../command.ts'
import { completionScript, SHELLS } from '../completion.ts'
import { EXIT_CODES } from '../exit-codes.ts'

/** The command; it completes what `commands` gives, itself included. */
export function completionCommand(commands: () => readonly CommandSpec[]): CommandSpec {
  return defineCommand({
    name: 'completion',
    summary: 'a script that completes commands and options in a shell',
    section: 'Begin',
    arguments: [{ name: '<shell>', help: SHELLS.join(', '), choices: SHELLS }],
    examples: ['source <(errand completion bash)', 'errand completion zsh > "${fpath[1]}/_errand"'],
    async run({ args, terminal }) {
      const shell = SHELLS.find(each => each === args[0])
      if (shell === undefined)
        throw usage(
          `there is no completion for ${JSON.stringify(args[0])}; there is for ${SHELLS.join(', ')}.`,
          'shell',
        )
      await terminal.out(completionScript(shell, commands()).trimEnd())
      return EXIT_CODES.ok
    },
  })
}
