// What a doctor says, and what a rule of its is: facts in, findings out. Rules are pure; who looks is elsewhere.

import type { DeploymentFacts } from '../core/deployment-facts.ts'

/** How bad it is. `error`: work is lost or stands still. `warning`: it will be, one day. `note`: good to know; not a problem. */
export const SEVERITIES = ['error', 'warning', 'note'] as const
/** One of {@link SEVERITIES}. */
export type Severity = (typeof SEVERITIES)[number]

/** Where the wrong thing is. */
export const SOURCES = ['kafka', 'redis', 'clocks', 'settings'] as const
/** One of {@link SOURCES}. */
export type Source = (typeof SOURCES)[number]

/** One thing that was found, with what to do about it. */
export interface Finding {
  /** The rule's, stable: for programs, and for the table in docs/operating/doctor.md. */
  readonly id: string
  readonly severity: Severity
  readonly source: Source
  /** What it is about: a topic or several, a group, an address, a setting. */
  readonly subject: string
  /** One sentence with the value that was seen. */
  readonly says: string
  /** What to do; the next command, where there is one. */
  readonly fix: string
}

/** What a rule says of one subject. */
export interface Found {
  /** One of the rule's severities. @defaultValue the rule's first */
  readonly severity?: Severity
  readonly subject: string
  readonly says: string
  readonly fix: string
}

/** One kind of finding. */
export interface Rule {
  /** Words with - between them. */
  readonly id: string
  readonly source: Source
  /** Those that it can have. */
  readonly severities: readonly [Severity, ...Severity[]]
  /** What it finds and why that is bad: its row in docs/operating/doctor.md. */
  readonly about: string
  /** Nothing when all is well, and when it could not be seen. */
  readonly find: (facts: DeploymentFacts) => readonly Found[]
}

/** How many names are said before "and 3 more". */
const NAMES_MAX = 4

/** Names as a sentence has them: all of a few, the first of many. */
export function listed(names: readonly string[]): string {
  const more = names.length - NAMES_MAX
  return more > 0 ? `${names.slice(0, NAMES_MAX).join(', ')} and ${more} more` : names.join(', ')
}

/** A number with its noun: `1 topic`, `3 topics`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** What stands for a wrong value: the same finding about many subjects is one finding. */
export function groupedBy<T>(items: readonly T[], keyOf: (item: T) => string): readonly (readonly [string, T[]])[] {
  return [...Map.groupBy(items, keyOf)]
}

/** A duration as people say it. */
export function lasting(ms: number): string {
  const units = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'min'],
    [1_000, 's'],
  ] as const
  const [unitMs, name] = units.find(([unit]) => ms >= unit && ms % unit === 0) ?? [1, 'ms']
  return `${(ms / unitMs).toLocaleString('en-US')} ${name}`
}

/** The command that makes a namespace's topics what they should be. */
export function applyCommand({ namespace, types }: DeploymentFacts): string {
  const named = types.length === 0 ? '<type>,…' : types.join(',')
  return `errand topics apply --namespace ${namespace} --types ${named}`
}
