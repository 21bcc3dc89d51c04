// Consumer groups and how far they have come: who is to do the work, and whether it moves.

import type { DeploymentFacts, FrontierFact, GroupFact } from '../core/deployment-facts.ts'
import type { Found, Rule } from './finding.ts'
import { counted, lasting, listed } from './finding.ts'

/** Groups and frontiers. */
export const GROUP_RULES: readonly Rule[] = [
  {
    id: 'work-without-workers',
    source: 'kafka',
    severities: ['error'],
    about: 'A type has work and its group has no members: nobody will do it',
    find: workWithoutWorkers,
  },
  {
    id: 'schedule-without-readers',
    source: 'kafka',
    severities: ['warning'],
    about: 'There are delay records that no scheduler has read, and none runs: what is due comes late',
    find: scheduleWithoutReaders,
  },
  {
    id: 'group-stuck',
    source: 'kafka',
    severities: ['error'],
    about: 'A group was in a rebalance at two looks, seconds apart: its members do nothing meanwhile',
    find: ({ kafka }) =>
      (kafka.groups ?? [])
        .filter(({ isStuck }) => isStuck)
        .map(({ groupId, state, members }) => ({
          subject: groupId,
          says: `${groupId} is in a rebalance that does not end: ${state}, ${counted(members, 'member')}.`,
          fix: 'Look for a worker that joins and dies again, or hangs: its log says so, and `errand_consumer_rebalances_total` rises. A rollout of many pods at once does it too (`maxSurge`).',
        })),
  },
  {
    id: 'frontier-stands',
    source: 'kafka',
    severities: ['warning'],
    about: 'There are workers and work, and the oldest record of a partition has not been finished for minutes',
    find: frontierStands,
  },
  {
    id: 'offset-beyond-end',
    source: 'kafka',
    severities: ['error'],
    about:
      'A committed offset lies beyond the end of its partition, as after a topic was deleted and made anew: the partition is read from its start, and until then nobody can tell what waits',
    find: facts =>
      aboutOffsets(
        facts,
        ({ committed, high }) => committed > high,
        ({ high }) => `the partition ends at ${high}`,
      ),
  },
  {
    id: 'offset-below-start',
    source: 'kafka',
    severities: ['error'],
    about: 'Records above a committed offset are gone: Kafka deleted what was not finished',
    find: facts =>
      aboutOffsets(
        facts,
        ({ committed, low }) => committed >= 0 && committed < low,
        ({ low }) => `the partition begins at ${low}`,
      ),
  },
  {
    id: 'offset-never-committed',
    source: 'kafka',
    severities: ['note'],
    about: 'A group has never committed an offset: an autoscaler that looks at lag does not wake its workers from zero',
    find: neverCommitted,
  },
]

function workersOf({ kafka }: DeploymentFacts): GroupFact[] {
  return (kafka.groups ?? []).filter(({ type }) => type !== undefined)
}

/** Records that are not finished, as far as the group has told Kafka. */
function pendingIn({ low, high, committed, finishedAhead }: FrontierFact): number {
  return Math.max(0, high - Math.max(low, committed) - finishedAhead)
}

function frontiersOf({ kafka }: DeploymentFacts, groupId: string): FrontierFact[] {
  return (kafka.frontiers ?? []).filter(frontier => frontier.groupId === groupId)
}

function pendingOf(facts: DeploymentFacts, groupId: string): number {
  return frontiersOf(facts, groupId).reduce((sum, frontier) => sum + pendingIn(frontier), 0)
}

function workWithoutWorkers(facts: DeploymentFacts): Found[] {
  return workersOf(facts).flatMap(({ groupId, members, type = '' }) => {
    const pending = pendingOf(facts, groupId)
    if (members > 0 || pending === 0) return []
    return [
      {
        subject: groupId,
        says: `${counted(pending, 'record')} of ${type} wait, and the group ${groupId} has no members.`,
        fix: `Start a worker that handles ${type} (\`errand worker --import <module>\`); with scale-to-zero look at what should have woken it.`,
      },
    ]
  })
}

function scheduleWithoutReaders(facts: DeploymentFacts): Found[] {
  const groups = (facts.kafka.groups ?? []).filter(({ type, members }) => type === undefined && members === 0)
  return groups.flatMap(({ groupId }) => {
    const pending = pendingOf(facts, groupId)
    if (pending === 0) return []
    return [
      {
        subject: groupId,
        says: `${counted(pending, 'record')} of the delay topic are not read, and the group ${groupId} has no members.`,
        fix: 'Start `errand reaper`, or a worker without `--no-reaper`.',
      },
    ]
  })
}

function frontierStands(facts: DeploymentFacts): Found[] {
  return workersOf(facts)
    .filter(({ members }) => members > 0)
    .flatMap(({ groupId, type = '' }) => {
      const still = frontiersOf(facts, groupId).filter(({ standsStill }) => standsStill)
      if (still.length === 0) return []
      const places = listed(still.map(({ topic, partition, committed }) => `${topic}/${partition} at ${committed}`))
      const ahead = still.reduce((sum, { finishedAhead }) => sum + finishedAhead, 0)
      return [
        {
          subject: groupId,
          says: `The oldest record is older than ${lasting(facts.kafka.stillMs)} and not finished in ${places}; ${counted(ahead, 'record')} behind are.`,
          fix: `\`errand stats\` and \`errand list --type ${type} --status running\` tell what holds it: handlers that hang, too few workers for what comes in, or a type that pauses because what its handlers call is down.`,
        },
      ]
    })
}

function aboutOffsets(
  facts: DeploymentFacts,
  isWrong: (frontier: FrontierFact) => boolean,
  but: (frontier: FrontierFact) => string,
): Found[] {
  return (facts.kafka.frontiers ?? []).filter(isWrong).map(frontier => {
    const { groupId, topic, partition, committed, low } = frontier
    return {
      subject: `${groupId} in ${topic}/${partition}`,
      says: `${groupId} has committed ${committed} in ${topic}/${partition}, and ${but(frontier)}.`,
      fix: `Stop the group's members, then \`kafka-consumer-groups.sh --group ${groupId} --topic ${topic}:${partition} --reset-offsets --to-offset ${low} --execute\`: what ended already is known and is not run again.`,
    }
  })
}

function neverCommitted(facts: DeploymentFacts): Found[] {
  const never = workersOf(facts).filter(({ groupId, members }) => {
    const frontiers = frontiersOf(facts, groupId)
    return members === 0 && frontiers.length > 0 && frontiers.every(({ committed }) => committed < 0)
  })
  if (never.length === 0) return []
  const names = listed(never.map(({ groupId }) => groupId))
  return [
    {
      subject: names,
      says: `${counted(never.length, 'group')} without any committed offset: ${names}.`,
      fix: `Run \`errand topics apply --namespace ${facts.namespace} --types ${never.map(({ type }) => type).join(',')}\`, which commits the first ones, or start a worker.`,
    },
  ]
}
