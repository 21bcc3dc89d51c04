// The brokers as such: what their protocol can do, and settings that are not a topic's.

import type { DeploymentFacts, ProtocolFact } from '../core/deployment-facts.ts'
import type { Found, Rule } from './finding.ts'
import { counted, groupedBy, lasting, listed } from './finding.ts'

/** Before it a topic could not be left to the broker's default replication factor. */
const RELEASE_MIN = '2.4'
/** A weekend: what scales to zero on Friday starts where it was on Monday. Unit: minutes. */
const OFFSETS_MINUTES_MIN = 3 * 24 * 60

/** What brokers can and do. */
export const BROKER_RULES: readonly Rule[] = [
  {
    id: 'broker-too-old',
    source: 'kafka',
    severities: ['error'],
    about: `A broker is older than Kafka ${RELEASE_MIN}, or lacks requests that Errand needs`,
    find: tooOld,
  },
  {
    id: 'broker-too-new',
    source: 'kafka',
    severities: ['error'],
    about: 'A broker no longer speaks the versions of requests that the Kafka client has',
    find: ({ kafka }) =>
      disagreeing(kafka.protocol ?? [], ({ client, broker }) => broker !== undefined && broker.min > client.max).map(
        ({ names, says }) => ({
          subject: names,
          says,
          fix: 'Use a broker of Kafka 4.4 or older, or a later Errand.',
        }),
      ),
  },
  {
    id: 'broker-unknown',
    source: 'kafka',
    severities: ['note'],
    about: 'The release of the brokers is not one that their protocol tells; nothing is wrong with that by itself',
    find: ({ kafka }) =>
      kafka.protocol === undefined || kafka.release !== undefined
        ? []
        : [
            {
              subject: listed(kafka.addresses),
              says: 'The protocol of the brokers is like that of no release of Kafka that is known here.',
              fix: 'Nothing, when it is a service that speaks the protocol. Try `npm run chaos` against it before relying on it.',
            },
          ],
  },
  {
    id: 'broker-auto-create',
    source: 'kafka',
    severities: ['note'],
    about: 'Brokers make a topic for whoever misspells one; Errand itself never asks for it',
    find: facts =>
      differing(facts, 'auto.create.topics.enable', value => value === 'true').map(({ brokers }) => ({
        subject: brokers,
        says: `auto.create.topics.enable is true on ${brokers}: a topic that another client misspells appears with the broker's defaults.`,
        fix: 'Set auto.create.topics.enable=false in server.properties of each broker and restart them one by one.',
      })),
  },
  {
    id: 'offsets-kept',
    source: 'kafka',
    severities: ['warning', 'note'],
    about:
      'Offsets of a group without members are forgotten so soon that what scales to zero starts from the log start (as a note: a group has no members now, and this is how long it may stay so)',
    find: offsetsKept,
  },
]

function tooOld({ kafka }: DeploymentFacts): Found[] {
  const fix = `Upgrade the brokers to Kafka ${RELEASE_MIN} or later; 3.9 and later are what others run.`
  const { release, addresses } = kafka
  const lacking = disagreeing(
    kafka.protocol ?? [],
    ({ client, broker }) => broker === undefined || broker.max < client.min,
  )
  const found = lacking.map(({ names, says }) => ({ subject: names, says, fix }))
  if (release !== undefined && isOlder(release, RELEASE_MIN)) {
    found.push({ subject: listed(addresses), says: `The brokers are of Kafka ${release}.`, fix })
  }
  return found
}

function isOlder(one: string, other: string): boolean {
  const parts = (text: string): number => {
    const [major = 0, minor = 0] = text.split('.').map(Number)
    return major * 1_000 + minor
  }
  return parts(one) < parts(other)
}

function disagreeing(
  protocol: readonly ProtocolFact[],
  does: (fact: ProtocolFact) => boolean,
): { names: string; says: string }[] {
  const wrong = protocol.filter(does)
  if (wrong.length === 0) return []
  const each = wrong.map(({ name, client, broker }) => {
    const theirs = broker === undefined ? 'none' : `${broker.min} to ${broker.max}`
    return `${name} (the client has versions ${client.min} to ${client.max}, the broker ${theirs})`
  })
  return [
    {
      names: listed(wrong.map(({ name }) => name)),
      says: `Client and brokers have no version in common of ${listed(each)}.`,
    },
  ]
}

/** Brokers by the value of a setting that is wrong. */
function differing(
  { kafka }: DeploymentFacts,
  name: string,
  isWrong: (value: string) => boolean,
): { value: string; brokers: string }[] {
  const wrong = [...(kafka.brokerSettings ?? [])].flatMap(([id, settings]) => {
    const value = settings[name]
    return value !== undefined && isWrong(value) ? [{ id, value }] : []
  })
  return groupedBy(wrong, ({ value }) => value).map(([value, brokers]) => ({
    value,
    brokers: `${brokers.length === 1 ? 'broker' : 'brokers'} ${listed(brokers.map(({ id }) => String(id)))}`,
  }))
}

function offsetsKept(facts: DeploymentFacts): Found[] {
  const name = 'offsets.retention.minutes'
  const empty = (facts.kafka.groups ?? []).filter(({ members, state }) => members === 0 && state === 'Empty')
  return differing(facts, name, () => true).flatMap(({ value, brokers }): Found[] => {
    const kept = lasting(Number(value) * 60_000)
    const fix = `Set ${name}=10080 (7 days) or more on each broker, and let no type stay without a worker for longer (\`minReplicaCount: 1\`).`
    if (Number(value) < OFFSETS_MINUTES_MIN) {
      return [
        {
          severity: 'warning',
          subject: brokers,
          says: `${name} is ${value} (${kept}) on ${brokers}: a type without workers for that long is read from the log start again.`,
          fix,
        },
      ]
    }
    if (empty.length === 0) return []
    return [
      {
        severity: 'note',
        subject: listed(empty.map(({ groupId }) => groupId)),
        says: `${counted(empty.length, 'group')} (${listed(empty.map(({ groupId }) => groupId))}) without members: after ${kept} (${name}) the offsets are forgotten, and the log is read from its start.`,
        fix: `Start a worker before then, or set ${name} higher on each broker.`,
      },
    ]
  })
}
