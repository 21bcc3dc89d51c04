// Whether a run proves anything: faults that did not really happen, or evidence with holes, make it invalid, not green.

import { ATTEMPT_OUTCOMES } from '../../../src/core/activity.ts'
import { PRIORITIES } from '../../../src/core/priority.ts'
import type { Evidence, FaultLine, HistoryLine } from '../evidence.ts'
import { openCaseBook } from './case-book.ts'
import type { CaseBook } from './case-book.ts'

/** Proven injections, with a cure, of each fault that was drawn. */
const INJECTIONS_MIN = 2
/** Of the enqueues that no fault could disturb. */
const OK_SHARE_MIN = 0.9
/** Faults that let leases expire when work is outstanding. */
const EXPIRING = new Set(['worker.kill', 'worker.stop'])

/** The reasons why a run proves nothing; none: it is valid. */
export function judgeValidity(evidence: Evidence): string[] {
  const book = openCaseBook(evidence)
  return [
    ...injections(evidence),
    ...faultsGone(evidence),
    ...quietEnqueues(book),
    ...variety(book),
    ...dumpEnds(evidence),
    ...histories(evidence),
    ...ledger(book),
    ...samples(evidence),
  ]
}

function injections({ run, faults }: Evidence): string[] {
  const reasons = run.faults.flatMap(name => {
    const proven = faults.filter(each => each.fault === name && each.proof !== null && each.cure !== null)
    if (proven.length >= INJECTIONS_MIN) return []
    return [`${name} was proven and cured ${proven.length} times; ${INJECTIONS_MIN} are needed`]
  })
  const idle = faults.filter(({ proof, outstanding }) => proof !== null && outstanding === 0)
  return [...reasons, ...idle.map(fault => `nothing was outstanding when ${told(fault)} was injected`)]
}

function faultsGone({ run, faults }: Evidence): string[] {
  return faults.flatMap(fault => {
    if (fault.proof !== null && fault.cure === null) return [`${told(fault)} is not known to be gone`]
    if (fault.toMono > run.healedMono) return [`${told(fault)} was gone only after the run counts as healed`]
    return []
  })
}

function told({ fault, target, fromMono }: FaultLine): string {
  return `${fault} (${target}, at ${Math.round(fromMono)})`
}

/** Of all first calls that were made and answered while no fault was at work. */
function quietEnqueues({ files, windows }: CaseBook): string[] {
  let calls = 0
  let ok = 0
  for (const { enqueues } of files.values()) {
    const first = enqueues.reduce<(typeof enqueues)[number] | undefined>(
      (earliest, call) => (earliest === undefined || call.invoke.mono < earliest.invoke.mono ? call : earliest),
      undefined,
    )
    if (first === undefined) continue
    const from = first.invoke.mono
    // What has no answer is judged by when it was called.
    if (windows.anyDuring(from, first.answer?.mono ?? from)) continue
    calls += 1
    const outcome = first.answer?.outcome
    if (outcome === 'created' || outcome === 'existing' || outcome === 'refused') ok += 1
  }
  if (calls === 0) return ['no enqueue was made outside of faults: there was no quiet time']
  if (ok / calls >= OK_SHARE_MIN) return []
  return [
    `only ${ok} of ${calls} enqueues outside of faults were ok at the first try; ${OK_SHARE_MIN * 100} % are needed`,
  ]
}

function variety({ files, evidence }: CaseBook): string[] {
  const outcomes = new Set<string>()
  const priorities = new Set<string>()
  for (const { endings } of files.values()) {
    for (const { outcome, priority } of endings) {
      outcomes.add(outcome)
      priorities.add(priority)
    }
  }
  const expires = evidence.run.faults.some(fault => EXPIRING.has(fault))
  const wanted = ATTEMPT_OUTCOMES.filter(outcome => expires || outcome !== 'lease_expired')
  return [
    ...wanted.filter(outcome => !outcomes.has(outcome)).map(outcome => `no attempt ended ${outcome}`),
    ...PRIORITIES.filter(priority => !priorities.has(priority)).map(
      priority => `nothing of priority ${priority} ended`,
    ),
  ]
}

function dumpEnds({ run, topics }: Evidence): string[] {
  const short = topics.partitions.flatMap(({ topic, partition, high, readTo }) =>
    readTo === high ? [] : [`the dump of ${topic}/${partition} ends at ${readTo}, and the log at ${high}`],
  )
  const lanes = run.types.flatMap(type => PRIORITIES.map(priority => `${type}.${priority}`))
  const dumped = new Set(topics.partitions.map(({ topic }) => topic))
  const missing = [...lanes, 'delay', 'outcomes', 'dlq'].filter(name => !dumped.has(`${run.namespace}.${name}`))
  return [...short, ...missing.map(name => `the dump has nothing of ${run.namespace}.${name}`)]
}

/** Lines are numbered without gaps. That a killed process misses its last lines cannot be seen, and is no harm. */
function histories({ history }: Evidence): string[] {
  if (history.length === 0) return ['there are no histories']
  const byProc = new Map<string, HistoryLine[]>()
  for (const line of history) {
    const lines = byProc.get(line.proc) ?? []
    byProc.set(line.proc, lines)
    lines.push(line)
  }
  return [...byProc].flatMap(([proc, lines]) => {
    const numbers = lines.map(({ seq }) => seq).sort((a, b) => a - b)
    const gap = numbers.findIndex((seq, at) => seq !== at + 1)
    return gap === -1 ? [] : [`the history of ${proc} has line ${numbers[gap]} where ${gap + 1} is due`]
  })
}

function ledger({ evidence, leases }: CaseBook): string[] {
  if (evidence.ledger.length === 0) return ['the ledger is empty']
  const unknown = evidence.ledger.filter(({ leaseId }) => !leases.has(leaseId))
  if (unknown.length === 0) return []
  const [first] = unknown
  return [
    `the ledger has ${unknown.length} lines of leases that no history has, such as ${first?.leaseId} of ${first?.proc}`,
  ]
}

function samples({ offsets }: Evidence): string[] {
  return offsets.length === 0 ? ['nobody looked at the committed offsets'] : []
}
