// Copies: how many there are, how many must have a record before it counts as written, and whether they keep up.

import type { DeploymentFacts, PartitionFact, TopicFact } from '../core/deployment-facts.ts'
import type { Found, Rule } from './finding.ts'
import { counted, groupedBy, listed } from './finding.ts'

const MIN_IN_SYNC = 'min.insync.replicas'

/** A topic and how many copies its partitions have. */
interface Copied {
  readonly topic: string
  readonly copies: number
  /** As Kafka has it; NaN when it could not be seen. */
  readonly inSyncMin: number
}

/** Copies of the topics. */
export const REPLICATION_RULES: readonly Rule[] = [
  {
    id: 'replication-low',
    source: 'kafka',
    severities: ['warning', 'note'],
    about:
      'Fewer than three copies of a topic: a broken disk loses accepted work (a note where there is but one broker)',
    find: facts => {
      const brokers = facts.kafka.brokers?.length ?? 0
      const low = copiedOf(facts).filter(({ copies }) => copies < 3)
      return groupedBy(low, ({ copies }) => String(copies)).map(([copies, topics]) => ({
        severity: brokers === 1 ? 'note' : 'warning',
        subject: namesOf(topics),
        says: `${namesOf(topics)}: ${counted(Number(copies), 'copy').replace('copys', 'copies')} on ${counted(brokers, 'broker')}.`,
        fix:
          brokers < 3
            ? 'Right for development only. For anything else run three brokers and make the topics with --replication-factor 3 --min-insync-replicas 2.'
            : 'Raise it with `kafka-reassign-partitions.sh` (new topics: topics.replication_factor=3, ERRAND_TOPICS_REPLICATION_FACTOR).',
      }))
    },
  },
  {
    id: 'min-insync-low',
    source: 'kafka',
    severities: ['warning'],
    about: 'A record that one of three copies has counts as written: losing that one broker loses accepted work',
    find: facts =>
      aboutInSync(
        facts,
        ({ copies, inSyncMin }) => copies >= 3 && inSyncMin < 2,
        'one copy is enough for an acknowledgement',
      ),
  },
  {
    id: 'min-insync-strict',
    source: 'kafka',
    severities: ['warning'],
    about: 'Every copy must have a record before it counts as written: one broker away, and nothing can be enqueued',
    find: facts =>
      aboutInSync(
        facts,
        ({ copies, inSyncMin }) => copies > 1 && inSyncMin === copies,
        'with one broker away nothing is written',
      ),
  },
  {
    id: 'min-insync-impossible',
    source: 'kafka',
    severities: ['error'],
    about: 'More copies must have a record than there are: nothing can be enqueued',
    find: facts => aboutInSync(facts, ({ copies, inSyncMin }) => inSyncMin > copies, 'nothing can ever be written'),
  },
  {
    id: 'partition-leaderless',
    source: 'kafka',
    severities: ['error'],
    about: 'Nobody leads a partition: it can be neither written nor read',
    find: facts =>
      aboutPartitions(facts, ({ leader }) => leader === undefined, 'have no leader', 'Start the brokers that are away'),
  },
  {
    id: 'partition-behind',
    source: 'kafka',
    severities: ['warning'],
    about: 'Copies of a partition do not keep up, or their broker is away',
    find: facts =>
      aboutPartitions(
        facts,
        ({ leader, replicas, inSync }) => leader !== undefined && inSync < replicas,
        'have copies that are not in sync',
        'Look for a broker that is away, slow, or out of disk',
      ),
  },
]

function copiedOf({ kafka }: DeploymentFacts): Copied[] {
  return (kafka.topics ?? []).flatMap(({ topic, partitions = [], settings }) => {
    const copies = Math.min(...partitions.map(({ replicas }) => replicas))
    return Number.isFinite(copies) ? [{ topic, copies, inSyncMin: Number(settings?.[MIN_IN_SYNC] ?? Number.NaN) }] : []
  })
}

function namesOf(topics: readonly { readonly topic: string }[]): string {
  return listed(topics.map(({ topic }) => topic))
}

function aboutInSync(facts: DeploymentFacts, isWrong: (copied: Copied) => boolean, so: string): Found[] {
  const wrong = copiedOf(facts).filter(isWrong)
  return groupedBy(wrong, ({ copies, inSyncMin }) => `${inSyncMin}/${copies}`).map(([, topics]) => {
    const { copies = 0, inSyncMin = 0 } = topics[0] ?? {}
    const right = Math.max(1, copies - 1)
    return {
      subject: namesOf(topics),
      says: `${MIN_IN_SYNC} is ${inSyncMin} with ${copies === 1 ? '1 copy' : `${copies} copies`} on ${namesOf(topics)}: ${so}.`,
      fix: `Run \`errand topics apply --namespace ${facts.namespace} --min-insync-replicas ${right}\`${copies < 3 ? ', and give the topics three copies' : ''}.`,
    }
  })
}

function aboutPartitions(
  facts: DeploymentFacts,
  isWrong: (partition: PartitionFact) => boolean,
  what: string,
  then: string,
): Found[] {
  const names = (facts.kafka.topics ?? []).flatMap((topic: TopicFact) =>
    (topic.partitions ?? []).filter(isWrong).map(({ partition }) => `${topic.topic}/${partition}`),
  )
  if (names.length === 0) return []
  return [
    {
      subject: listed(names),
      says: `${counted(names.length, 'partition')} ${what}: ${listed(names)}.`,
      fix: `${then}: \`kafka-topics.sh --describe --unavailable-partitions\` and \`--under-replicated-partitions\` tell which; then run \`errand doctor\` again.`,
    },
  ]
}
