// `errand topics plan`, `apply` and `verify`: the topics of a namespace as they should be. Redis is not needed.

import { OPERATION_TYPE } from '../../operations/operation.ts'
import type { PlannedTopic, TopicPlanOptions } from '../../storage/kafka/index.ts'
import type { CommandSpec, Invocation } from '../command.ts'
import { defineCommand } from '../command.ts'
import { storageOptions } from '../config/storage-options.ts'
import { EXIT_CODES } from '../exit-codes.ts'
import type { Column } from '../output/table.ts'
import { TYPES_OPTION } from '../types-option.ts'

interface TopicsOptions {
  readonly types?: readonly string[]
  readonly addPartitions?: boolean
  readonly dryRun?: boolean
}

const ADD_PARTITIONS = {
  flags: '--add-partitions',
  help: 'give topics with fewer partitions than --partitions, or than the other lanes of their type, more',
}

const shared = {
  section: 'Stack',
  settings: ['servers', 'topics'],
  hasOutput: true,
} as const

/** `errand topics plan`. */
export const topicsPlanCommand: CommandSpec = defineCommand<TopicsOptions>({
  ...shared,
  name: 'topics plan',
  summary: 'say what apply would do; changes nothing',
  options: [TYPES_OPTION, ADD_PARTITIONS],
  answers: `\`{ items: [{ topic, role, type, action, differences: [{ setting, wanted, have }], reason }] }\`; \`action\` is create, differs, cannot_fix or ok.`,
  examples: ['errand topics plan --types mail,orders'],
  async run(call, options) {
    const { planTopics } = await import('../../storage/kafka/index.ts')
    await show(call, await planTopics(planOptions(call, options)))
    return EXIT_CODES.ok
  },
})

/** `errand topics apply`. */
export const topicsApplyCommand: CommandSpec = defineCommand<TopicsOptions>({
  ...shared,
  name: 'topics apply',
  goesOnUnheard: true,
  summary: 'create what is missing, alter what differs; may be repeated, also while workers run',
  description: `Nothing is deleted or made smaller, and what was set for more than needed stays. Groups that never committed and have no
members get a first offset, so that an autoscaler that looks at lag wakes them from zero. With --types, the lanes of
${OPERATION_TYPE}, Errand's own type for bulk work, are made too. Exit code 6 when something could not be fixed; the table says how it can be.`,
  options: [TYPES_OPTION, ADD_PARTITIONS, { flags: '--dry-run', help: 'only say what would be done, as plan does' }],
  answers: `\`{ items: [{ topic, role, type, action, differences: [{ setting, wanted, have }], reason }], firstOffsets: […] }\`; \`action\` is what was found and done: create (created), differs (altered), cannot_fix or ok.`,
  exits: 'something could not be fixed: 6',
  examples: ['errand topics apply --types mail,orders --partitions 8 --replication-factor 3 --min-insync-replicas 2'],
  async run(call, options) {
    const { applyTopics, planTopics } = await import('../../storage/kafka/index.ts')
    if (options.dryRun === true) {
      await show(call, await planTopics(planOptions(call, options)))
      return EXIT_CODES.ok
    }
    const { topics, firstOffsets } = await applyTopics(planOptions(call, options))
    await show(call, topics, { rest: { firstOffsets }, columns: APPLIED_COLUMNS })
    if (firstOffsets.length > 0) call.terminal.err(`First offsets committed: ${firstOffsets.join(', ')}.\n`)
    return topics.some(({ action }) => action === 'cannot_fix') ? EXIT_CODES.partly : EXIT_CODES.ok
  },
})

/** `errand topics verify`. */
export const topicsVerifyCommand: CommandSpec = defineCommand<TopicsOptions>({
  ...shared,
  name: 'topics verify',
  summary: 'say what is not as it should be; exit code 4 when anything is not',
  options: [TYPES_OPTION],
  answers: `\`{ items: [{ topic, role, type, action, differences: [{ setting, wanted, have }], reason }] }\`; \`action\` is create, differs, cannot_fix or ok.`,
  exits: 'something is not as it should be: 4',
  examples: ['errand topics verify --types mail,orders || errand topics apply --types mail,orders'],
  async run(call, options) {
    const { verifyTopics } = await import('../../storage/kafka/index.ts')
    const wrong = await verifyTopics(planOptions(call, options))
    await show(call, wrong)
    return wrong.length > 0 ? EXIT_CODES.conflict : EXIT_CODES.ok
  },
})

function planOptions(
  { config, loaded, logger }: Invocation,
  { types, addPartitions }: TopicsOptions,
): TopicPlanOptions {
  const { partitions, ...options } = storageOptions(config, logger, true)
  const { redisUrl: _, redisUsername: __, redisPassword: ___, redisTls: ____, ...ofKafka } = options
  return {
    ...ofKafka,
    // Only when somebody asked for it: topics that are there keep the number that they have.
    ...(partitions === undefined || !loaded.given.has('topics.partitions') ? {} : { partitions }),
    // Reapers do bulk work too: its lanes belong to every namespace that is provisioned.
    ...(types === undefined ? {} : { types: [...types, OPERATION_TYPE] }),
    ...(addPartitions === undefined ? {} : { addPartitions }),
  }
}

const COLUMNS: readonly Column<PlannedTopic>[] = [
  { head: 'TOPIC', text: ({ topic }) => topic },
  { head: 'ACTION', text: ({ action }) => action },
  { head: 'WHAT', text: whatText },
]

/** What was done, in words: after `apply` a create is made, and what differed does not any more. */
export const APPLIED_COLUMNS: readonly Column<PlannedTopic>[] = [
  { head: 'TOPIC', text: ({ topic }) => topic },
  {
    head: 'DONE',
    text: ({ action }) => ({ create: 'created', differs: 'altered', cannot_fix: 'cannot_fix', ok: 'ok' })[action],
  },
  { head: 'WHAT', text: topic => (topic.action === 'differs' ? alteredText(topic) : whatText(topic)) },
]

async function show(
  { output }: Invocation,
  topics: readonly PlannedTopic[],
  {
    rest = {},
    columns = COLUMNS,
  }: { readonly rest?: Readonly<Record<string, unknown>>; readonly columns?: readonly Column<PlannedTopic>[] } = {},
): Promise<void> {
  await output.items(topics, { columns, empty: 'Every topic is as it should be.', rest })
}

function alteredText({ differences }: PlannedTopic): string {
  return differences.map(({ setting, wanted, have }) => `${setting} was ${have ?? 'not set'}, is ${wanted}`).join(', ')
}

function whatText({ action, differences, reason }: PlannedTopic): string {
  const each = differences.map(({ setting, wanted, have }) =>
    action === 'create' ? `${setting}=${wanted}` : `${setting} is ${have ?? 'not set'}, should be ${wanted}`,
  )
  return [each.join(', '), reason ?? ''].filter(text => text !== '').join('. ')
}
