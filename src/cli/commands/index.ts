// Every command, in the order in which help shows them. A new one is a file beside this and a line here.

import type { CommandSpec } from '../command.ts'
import { cancelCommand } from './cancel.ts'
import { completionCommand } from './completion.ts'
import { configReferenceCommand, configShowCommand } from './config.ts'
import { consoleCommand } from './console.ts'
import { devCommand } from './dev.ts'
import { dlqGroupsCommand, dlqListCommand, dlqShowCommand } from './dlq.ts'
import { dlqDiscardCommand } from './dlq-discard.ts'
import { dlqExportCommand } from './dlq-export.ts'
import { dlqRedriveCommand } from './dlq-redrive.ts'
import { doctorCommand } from './doctor.ts'
import { enqueueCommand } from './enqueue.ts'
import { getCommand } from './get.ts'
import { initCommand } from './init.ts'
import { listCommand } from './list.ts'
import { opsAttachCommand, opsCancelCommand, opsListCommand, opsShowCommand } from './ops.ts'
import { reaperCommand } from './reaper.ts'
import { rebuildCommand } from './rebuild.ts'
import { resultCommand } from './result.ts'
import { statsCommand } from './stats.ts'
import { tailCommand } from './tail.ts'
import { timelineCommand } from './timeline.ts'
import { topicsApplyCommand, topicsPlanCommand, topicsVerifyCommand } from './topics.ts'
import { workerCommand } from './worker.ts'
import { workersCommand } from './workers.ts'

/** What each group of commands is for. */
export const GROUP_SUMMARIES: Readonly<Record<string, string>> = {
  config: 'settings and where they come from',
  topics: 'the topics in Kafka: what is missing or differs, and mending it',
  dlq: 'dead letters: grouped by error, looked at, enqueued anew, set aside',
  ops: 'bulk work that runs on the server side',
}

/** Every command. */
export const COMMANDS: readonly CommandSpec[] = [
  devCommand,
  initCommand,
  doctorCommand,
  configShowCommand,
  configReferenceCommand,
  completionCommand(() => COMMANDS),
  workerCommand,
  reaperCommand,
  consoleCommand,
  topicsPlanCommand,
  topicsApplyCommand,
  topicsVerifyCommand,
  enqueueCommand,
  getCommand,
  listCommand,
  timelineCommand,
  resultCommand,
  tailCommand,
  cancelCommand,
  statsCommand,
  workersCommand,
  dlqGroupsCommand,
  dlqListCommand,
  dlqShowCommand,
  dlqRedriveCommand,
  dlqDiscardCommand,
  dlqExportCommand,
  opsListCommand,
  opsShowCommand,
  opsAttachCommand,
  opsCancelCommand,
  rebuildCommand,
]
