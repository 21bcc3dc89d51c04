// I4: what has completed has had its effect, and per attempt one lease's settlement is accepted: the last one granted.
// I11 on leases is in `leases.ts`.

import { CLOCK_TOLERANCE_MS } from './bounds.ts'
import type { CaseBook } from './case-book.ts'
import type { Call, CaseFile, Lease, SettleCall } from './case-file.ts'
import { acceptedSettles, outcomeOf } from './case-file.ts'
import type { Findings } from './findings.ts'

const LOSS = 'Redis lost what it knew in between'

interface Accepted {
  readonly lease: Lease
  readonly outcome: string
  /** Called for the first time: an answer that was lost may have been of that call. */
  readonly calledMono: number
  readonly answer: Call<'settle', 'answer'>
}

/** Checks I4. */
export function checkSettlements(book: CaseBook, findings: Findings): void {
  for (const file of book.files.values()) {
    checkEffects(file, findings)
    const accepted = file.leases.flatMap(lease => acceptedOf(lease))
    checkOneEach(book, file, accepted, findings)
    for (const each of accepted) {
      checkAnswer(each, findings)
      checkRemembered(book, file, each, findings)
      checkNotOld(book, file, each, findings)
    }
  }
}

function acceptedOf(lease: Lease): Accepted[] {
  const calledMono = Math.min(...lease.settles.map(({ invoke }) => invoke.mono))
  return acceptedSettles(lease).map(({ answer }) => ({ lease, outcome: outcomeOf(answer), calledMono, answer }))
}

function checkEffects({ id, endings, ends }: CaseFile, findings: Findings): void {
  for (const { outcome, attempt, leaseId } of endings) {
    if (outcome !== 'completed' || ends.some(line => line.leaseId === leaseId)) continue
    findings.violate(
      'I4',
      `${id} completed in attempt ${attempt} under lease ${leaseId}, and the ledger has no end of it`,
      [id],
    )
  }
}

/** One lease for each attempt, and one answer for each lease. */
function checkOneEach(book: CaseBook, { id }: CaseFile, accepted: readonly Accepted[], findings: Findings): void {
  const byAttempt = new Map<number, Accepted>()
  for (const each of accepted) {
    const { lease, outcome, answer } = each
    const first = byAttempt.get(lease.attempt)
    if (first === undefined) {
      byAttempt.set(lease.attempt, each)
      continue
    }
    if (first.lease.leaseId === lease.leaseId && first.outcome === outcome) continue
    const isLoss = book.windows.lossDuring(first.lease.claimedMono, Math.max(first.answer.mono, answer.mono))
    findings.judge(
      'I4',
      isLoss ? LOSS : null,
      `attempt ${lease.attempt} of ${id} was settled twice: ${first.outcome} under lease ${first.lease.leaseId} ` +
        `(${first.lease.proc}), and ${outcome} under lease ${lease.leaseId} (${lease.proc})`,
      [id],
    )
  }
}

/** What each report may be answered with, when it is accepted. */
const ANSWERS: Readonly<Record<Call<'settle', 'invoke'>['want'], readonly string[]>> = {
  success: ['completed'],
  retryable: ['retrying', 'dead_letter', 'cancelled'],
  timeout: ['retrying', 'dead_letter', 'cancelled'],
  cancelled: ['retrying', 'dead_letter', 'cancelled'],
  non_retryable: ['failed'],
}

function checkAnswer({ lease, outcome }: Accepted, findings: Findings): void {
  const wants = [...new Set(lease.settles.map(({ invoke }) => invoke.want))]
  if (wants.some(want => ANSWERS[want].includes(outcome))) return
  const { id, attempt, proc } = lease
  findings.violate(
    'I4',
    `${proc} settled attempt ${attempt} of ${id} as ${wants.join(', ')}, and was told ${outcome}`,
    [id],
  )
}

function checkRemembered(book: CaseBook, { id, endings }: CaseFile, each: Accepted, findings: Findings): void {
  const { lease, outcome, calledMono } = each
  if (endings.some(ending => ending.leaseId === lease.leaseId && ending.outcome === outcome)) return
  const isLoss = book.windows.lossDuring(calledMono, Number.POSITIVE_INFINITY)
  findings.judge(
    'I4',
    isLoss ? 'Redis lost a settlement before Kafka knew of it' : null,
    `${lease.proc} was told ${outcome} of attempt ${lease.attempt} of ${id} under lease ${lease.leaseId}, and the outcomes ` +
      `topic has no such record`,
    [id],
  )
}

/** A lease that was followed by another is refused, unless it was settled before that. */
function checkNotOld(book: CaseBook, { id, leases }: CaseFile, each: Accepted, findings: Findings): void {
  const { lease, calledMono, answer, outcome } = each
  const next = leases.find(
    other =>
      other !== lease &&
      other.startedAtMs > lease.startedAtMs &&
      book.clock.monoOf(other.startedAtMs) + CLOCK_TOLERANCE_MS < calledMono,
  )
  if (next === undefined) return
  const isLoss = book.windows.lossDuring(lease.claimedMono, answer.mono)
  findings.judge(
    'I4',
    isLoss ? LOSS : null,
    `${lease.proc} settled attempt ${lease.attempt} of ${id} under the old lease ${lease.leaseId} at ${Math.round(calledMono)}, ` +
      `and was told ${outcome}: attempt ${next.attempt} was granted to ${next.proc} before, under lease ${next.leaseId}`,
    [id],
  )
}

/** Settlements that were refused because the lease was another's by then. */
export function lostSettles(lease: Lease): SettleCall[] {
  return lease.settles.filter(({ answer }) => answer?.outcome === 'lease_lost')
}
