// The topics of the namespace: that they are there, alike, and keep what Errand needs for as long as it needs it.

import type { DeploymentFacts, TopicFact, TopicRole } from '../core/deployment-facts.ts'
import { isSettingEnough } from '../core/topic-settings.ts'
import type { Found, Rule } from './finding.ts'
import { applyCommand, counted, groupedBy, lasting, listed } from './finding.ts'

/** How much of the outcomes a Redis that lost data may need, beyond the time after which long attempts are re-homed. */
const REDELIVERY_MARGIN_MS = 3_600_000

/** Topics and their settings. */
export const TOPIC_RULES: readonly Rule[] = [
  {
    id: 'topic-missing',
    source: 'kafka',
    severities: ['error'],
    about: 'A topic of a type, or one that all types share, is not there',
    find: facts => {
      const missing = topicsOf(facts).filter(({ isThere }) => !isThere)
      return missing.length === 0
        ? []
        : [
            {
              subject: namesOf(missing),
              says: `${counted(missing.length, 'topic')} missing: ${namesOf(missing)}.`,
              fix: `Run \`${applyCommand(facts)}\`.`,
            },
          ]
    },
  },
  {
    id: 'types-unknown',
    source: 'kafka',
    severities: ['note'],
    about: 'No type has topics in the namespace, and none was named: only what all types share was looked at',
    find: ({ namespace, types, kafka, unseen }) =>
      types.length > 0 || kafka.topics === undefined || unseen.some(({ kind }) => kind === 'failed')
        ? []
        : [
            {
              subject: namespace,
              says: `No type has a topic in the namespace ${namespace}.`,
              fix: 'Check ERRAND_NAMESPACE, or name the types: `errand doctor --types mail,orders`.',
            },
          ],
  },
  {
    id: 'lane-partitions-differ',
    source: 'kafka',
    severities: ['warning'],
    about:
      'The four lanes of a type have different numbers of partitions, so its priorities have different numbers of workers',
    find: partitionsDiffer,
  },
  {
    id: 'topic-partitions-few',
    source: 'kafka',
    severities: ['warning'],
    about: 'A topic has fewer partitions than the setting topics.partitions asks for; workers beyond them idle',
    find: partitionsFew,
  },
  wrongSetting({
    id: 'lane-cleanup',
    about: 'A lane is compacted: of several records of one activity only the last is kept, and waiting work is deleted',
    roles: ['lane'],
    settings: ['cleanup.policy'],
  }),
  wrongSetting({
    id: 'lane-retention',
    about: 'A lane deletes what waits once it is old, or the lane large: accepted work is lost',
    roles: ['lane'],
    settings: ['retention.ms', 'retention.bytes'],
  }),
  wrongSetting({
    id: 'delay-not-compacted',
    about: 'The delay topic deletes by age: what is scheduled for later than that is lost',
    roles: ['delay'],
    settings: ['cleanup.policy'],
  }),
  wrongSetting({
    id: 'delay-compaction-slow',
    severity: 'warning',
    about: 'The delay topic is compacted seldom: it grows, and each look through it takes longer',
    roles: ['delay'],
    settings: ['min.cleanable.dirty.ratio', 'segment.ms', 'delete.retention.ms'],
  }),
  wrongSetting({
    id: 'history-compacted',
    about: 'Outcomes or dead letters are compacted: of an activity only its last is kept, and timelines have holes',
    roles: ['outcomes', 'dlq'],
    settings: ['cleanup.policy'],
  }),
  {
    id: 'outcomes-retention',
    source: 'kafka',
    severities: ['error'],
    about:
      'Outcomes are deleted before results and keys end, or within the time in which work may be delivered again: a Redis that lost data cannot be told what ended',
    find: outcomesRetention,
  },
  {
    id: 'dead-letter-retention',
    source: 'kafka',
    severities: ['warning'],
    about: 'Dead letters are deleted within a week, or by size: nobody will have looked at them',
    find: facts => historyShort(facts, 'dlq', 7 * 86_400_000),
  },
  wrongSetting({
    id: 'topic-message-size',
    about: 'A topic refuses the largest record that Errand accepts, so an activity cannot be retried or buried',
    roles: ['lane', 'delay', 'outcomes', 'dlq'],
    settings: ['max.message.bytes'],
  }),
  wrongSetting({
    id: 'topic-compression',
    about:
      'A topic keeps, or makes, batches that the Kafka client cannot read (it has no codec but gzip): consumers stop at the first of them',
    roles: ['lane', 'delay', 'outcomes', 'dlq'],
    settings: ['compression.type'],
  }),
  wrongSetting({
    id: 'topic-time',
    severity: 'warning',
    about:
      'A topic stamps records with the time of the append: looking up an activity by the time in its id may miss it',
    roles: ['lane', 'delay', 'outcomes', 'dlq'],
    settings: ['message.timestamp.type'],
  }),
  {
    id: 'unclean-election',
    source: 'kafka',
    severities: ['error'],
    about: 'A copy that lags may become the leader, and acknowledged records vanish',
    find: uncleanElection,
  },
]

/** A rule about settings that must do what is wanted of them. */
function wrongSetting(rule: {
  readonly id: string
  readonly severity?: 'error' | 'warning'
  readonly about: string
  readonly roles: readonly TopicRole[]
  readonly settings: readonly string[]
}): Rule {
  const find = (facts: DeploymentFacts): Found[] =>
    rule.settings.flatMap(name => {
      const wrong = topicsOf(facts).filter(
        ({ role, wanted, settings }) =>
          rule.roles.includes(role) &&
          settings !== undefined &&
          wanted[name] !== undefined &&
          !isSettingEnough(name, wanted[name], settings[name]),
      )
      return byValue(wrong, name).map(({ value, topics }) => ({
        subject: namesOf(topics),
        says: `${name} is ${value} on ${namesOf(topics)}; it should be ${topics[0]?.wanted[name]}.`,
        fix: `Run \`${applyCommand(facts)}\`.`,
      }))
    })
  return { id: rule.id, source: 'kafka', severities: [rule.severity ?? 'error'], about: rule.about, find }
}

function topicsOf({ kafka }: DeploymentFacts): readonly TopicFact[] {
  return kafka.topics ?? []
}

function namesOf(topics: readonly TopicFact[]): string {
  return listed(topics.map(({ topic }) => topic))
}

function byValue(topics: readonly TopicFact[], name: string): { value: string; topics: TopicFact[] }[] {
  return groupedBy(topics, ({ settings }) => settings?.[name] ?? 'not set').map(([value, same]) => ({
    value,
    topics: same,
  }))
}

function partitionsDiffer(facts: DeploymentFacts): Found[] {
  return facts.types.flatMap(type => {
    const lanes = topicsOf(facts).filter(topic => topic.type === type && topic.partitions !== undefined)
    const counts = lanes.map(({ topic, partitions = [] }) => ({ topic, count: partitions.length }))
    const most = Math.max(0, ...counts.map(({ count }) => count))
    if (counts.every(({ count }) => count === most)) return []
    return [
      {
        subject: namesOf(lanes),
        says: `The lanes of ${type} have different numbers of partitions: ${counts.map(({ topic, count }) => `${topic} ${count}`).join(', ')}.`,
        fix: `Run \`${applyCommand({ ...facts, types: [type] })} --add-partitions\`; partitions can be added, never taken away.`,
      },
    ]
  })
}

function partitionsFew(facts: DeploymentFacts): Found[] {
  const { partitions: wanted } = facts.settings
  if (wanted === undefined) return []
  // Work spreads over lanes only; what all types share keeps what it was made with.
  const lanes = topicsOf(facts).filter(({ type }) => type !== undefined)
  const few = lanes.filter(({ partitions }) => partitions !== undefined && partitions.length < wanted)
  return groupedBy(few, ({ partitions = [] }) => String(partitions.length)).map(([count, topics]) => ({
    subject: namesOf(topics),
    says: `${namesOf(topics)}: ${counted(Number(count), 'partition')}, and topics.partitions is ${wanted}.`,
    fix: `Run \`${applyCommand(facts)} --partitions ${wanted} --add-partitions\`, or set topics.partitions (ERRAND_TOPICS_PARTITIONS) to what is there.`,
  }))
}

function outcomesRetention(facts: DeploymentFacts): Found[] {
  const { resultMs, keyMs, rehomeAfterMs } = facts.settings
  const longest = Math.max(resultMs, keyMs, rehomeAfterMs + REDELIVERY_MARGIN_MS)
  return historyShort(facts, 'outcomes', longest)
}

/** A topic of the past that is deleted before so long, or by size. */
function historyShort(facts: DeploymentFacts, role: 'outcomes' | 'dlq', msMin: number): Found[] {
  return topicsOf(facts).flatMap(({ topic, role: is, settings }): Found[] => {
    if (is !== role || settings === undefined) return []
    const fix = `Run \`${applyCommand(facts)}\`, which sets what Errand's defaults need; results and keys that live longer need more: \`kafka-configs.sh --alter --topic ${topic} --add-config retention.ms=${msMin}\`.`
    const found: Found[] = []
    if (!isSettingEnough('retention.ms', String(msMin), settings['retention.ms'])) {
      const value = settings['retention.ms'] ?? 'not set'
      const shown = Number.isFinite(Number(value)) ? ` (${lasting(Number(value))})` : ''
      const says = `retention.ms is ${value}${shown} on ${topic}; what is remembered elsewhere needs ${lasting(msMin)}.`
      found.push({ subject: topic, says, fix })
    }
    if (!isSettingEnough('retention.bytes', '-1', settings['retention.bytes'])) {
      const says = `retention.bytes is ${settings['retention.bytes']} on ${topic}: a busy day deletes what is younger.`
      found.push({ subject: topic, says, fix })
    }
    return found
  })
}

function uncleanElection(facts: DeploymentFacts): Found[] {
  const name = 'unclean.leader.election.enable'
  const wrong = topicsOf(facts).filter(({ settings }) => settings?.[name] === 'true')
  return wrong.length === 0
    ? []
    : [
        {
          subject: namesOf(wrong),
          says: `${name} is true on ${namesOf(wrong)}.`,
          fix: `Take it away: \`kafka-configs.sh --alter --entity-type topics --entity-name <topic> --delete-config ${name}\`, and set it to false on the brokers when it comes from there.`,
        },
      ]
}
