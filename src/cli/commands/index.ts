// Every command, in the order in which help shows them. A new one is a file beside this and a line here.

import type { CommandSpec } from '../command.ts'
import { configReferenceCommand, configShowCommand } from './config.ts'
import { rebuildCommand } from './rebuild.ts'

/** What each group of commands is for. */
export const GROUP_SUMMARIES: Readonly<Record<string, string>> = {
  config: 'settings and where they come from',
  topics: 'the topics in Kafka: what is missing or differs, and mending it',
  dlq: 'dead letters: grouped by error, looked at, enqueued anew',
  ops: 'bulk work that runs on the server side',
}

/** Every command. */
export const COMMANDS: readonly CommandSpec[] = [configShowCommand, configReferenceCommand, rebuildCommand]
