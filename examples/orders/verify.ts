// Does it add up? Three things that know nothing of each other are held together: the answers to every enqueue, the endings
// as the storage lists them, and the storage's counts. What must have become of an activity is told from its order.

import type { ActivitySummary, Client, StorageStats } from '../../src/index.ts'
import { isErrandError } from '../../src/index.ts'
import type { Plan, Submitted } from './plan.ts'

/** What a run leaves to be checked. */
export interface RunFacts {
  readonly submitted: readonly Submitted[]
  /** By id, from the storage. */
  readonly endings: ReadonlyMap<string, ActivitySummary>
  /** The storage's counts, from before the first enqueue and from the end. */
  readonly before: StorageStats
  readonly after: StorageStats
}

/** Results that are read back for each type. */
const SAMPLE_PER_TYPE = 8

/** Everything that is not as it should be, a sentence each; empty when all is well. */
export function findProblems(facts: RunFacts, plans: readonly Plan[]): string[] {
  const problems = [...acceptance(facts), ...endings(facts)]
  // In a namespace that was used before, what earlier runs left is counted too.
  return isEmpty(facts.before) ? [...problems, ...plans.flatMap(({ type }) => [...counts(facts, type)])] : problems
}

/** The activities that the answers stand for, each once. */
export function acceptedIds(submitted: readonly Submitted[]): Set<string> {
  return new Set(submitted.flatMap(({ outcome, id }) => (isAccepted(outcome) && id !== undefined ? [id] : [])))
}

function isAccepted(outcome: Submitted['outcome']): boolean {
  return outcome === 'created' || outcome === 'existing'
}

/** Everything has an answer, and a duplicate stands for an activity of the same order. */
function* acceptance({ submitted, before }: RunFacts): Generator<string> {
  const created = new Map(submitted.filter(each => each.outcome === 'created').map(each => [each.id, each]))
  for (const each of submitted) {
    if (each.outcome === 'unavailable') yield `${nameOf(each)}: nobody knows whether it was accepted: ${each.reason}`
    if (each.outcome !== 'existing') continue
    const original = created.get(each.id)
    if (original === undefined && isEmpty(before)) yield `${nameOf(each)}: deduplicated, but nobody enqueued it`
    if (original !== undefined && (original.orderId !== each.orderId || original.type !== each.type)) {
      yield `${nameOf(each)}: deduplicated as ${nameOf(original)}`
    }
  }
}

/** Each activity that was accepted ended once, as its order says, and nothing else ran. */
function* endings({ submitted, endings: found, before }: RunFacts): Generator<string> {
  const accepted = acceptedIds(submitted)
  for (const each of submitted) {
    if (each.id === undefined || !accepted.has(each.id)) continue
    const ending = found.get(each.id)
    if (ending === undefined) yield `${nameOf(each)}: the storage knows no ending`
    else if (ending.type !== each.type) yield `${nameOf(each)}: the storage says that it is a ${ending.type}`
    // A duplicate's own content counts for nothing: the first one ran.
    else if (each.outcome === 'created' && ending.status !== each.ends) {
      yield `${nameOf(each)}: ended as ${ending.status}, but its order asks for ${each.ends}`
    }
  }
  if (!isEmpty(before)) return
  for (const { id, type } of found.values()) if (!accepted.has(id)) yield `${type} ${id}: ended, but nobody enqueued it`
}

/** The storage's counts of one type are what was accepted. */
function* counts({ submitted, endings: found, after }: RunFacts, type: string): Generator<string> {
  const ofRun = submitted.filter(each => each.type === type && each.outcome === 'created')
  for (const status of ['completed', 'failed', 'dead_letter', 'cancelled'] as const) {
    const listed = ofRun.filter(({ id }) => id !== undefined && found.get(id)?.status === status).length
    const counted = after.byType[type]?.[status] ?? 0
    if (listed !== counted) yield `${type}: ${listed} are listed as ${status}, but ${counted} are counted`
  }
  for (const status of ['pending', 'scheduled', 'running'] as const) {
    const left = after.byType[type]?.[status] ?? 0
    if (left > 0) yield `${type}: ${left} are still ${status}`
  }
}

/** Reads some results back, typed: each must be of the order that was enqueued. */
export async function findResultProblems(client: Client, facts: RunFacts, plans: readonly Plan[]): Promise<string[]> {
  const checks = plans.flatMap(plan => {
    const completed = facts.submitted.filter(each => each.type === plan.type && isCompleted(each))
    const step = Math.max(1, Math.floor(completed.length / SAMPLE_PER_TYPE))
    const sample = completed.filter((_, at) => at % step === 0).slice(0, SAMPLE_PER_TYPE)
    return sample.map(each => resultProblem(client, plan, each))
  })
  return (await Promise.all(checks)).filter(problem => problem !== undefined)
}

async function resultProblem(client: Client, plan: Plan, submitted: Submitted): Promise<string | undefined> {
  try {
    const orderId = await plan.readOrderId(client, submitted.id ?? '')
    return orderId === submitted.orderId ? undefined : `${nameOf(submitted)}: its result is that of ${orderId}`
  } catch (error) {
    if (!isErrandError(error)) throw error
    return `${nameOf(submitted)}: its result cannot be read: ${error.message}`
  }
}

function isCompleted({ outcome, ends }: Submitted): boolean {
  return outcome === 'created' && ends === 'completed'
}

function isEmpty(stats: StorageStats): boolean {
  const { pending, scheduled, running, completed, failed, dead_letter: deadLetter, cancelled } = stats
  return pending + scheduled + running + completed + failed + deadLetter + cancelled === 0
}

function nameOf({ type, orderId, id }: Submitted): string {
  return `${type} of ${orderId} (${id ?? 'no id'})`
}
