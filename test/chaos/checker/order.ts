// I10, as far as it is sound while faults are injected: before the first fault, one process starts what stands in one lane
// partition in the order in which it was enqueued, of first attempts that were due at once. Two enqueues are in order when
// the one was answered before the other was called. After the first fault, records come again, are held and given back, and
// no order is promised; nor are shares among lanes checked here, since nobody saw which lanes were empty.

import type { CaseBook } from './case-book.ts'
import type { Lease } from './case-file.ts'
import type { Findings } from './findings.ts'

interface Start {
  readonly lease: Lease
  readonly calledMono: number
  readonly answeredMono: number
}

/** Checks I10. */
export function checkOrder(book: CaseBook, findings: Findings): void {
  const firstFaultMono = Math.min(...book.evidence.faults.map(({ fromMono }) => fromMono))
  const groups = new Map<string, Start[]>()
  for (const file of book.files.values()) {
    const [lease] = file.leases
    const [call] = file.enqueues
    if (lease === undefined || lease.attempt !== 1 || lease.claimedMono >= firstFaultMono) continue
    if (file.enqueues.length !== 1 || call?.answer?.outcome !== 'created' || call.invoke.dueAtMs !== null) continue
    const place = `${lease.proc} ${lease.claim.topic}/${lease.claim.partition}`
    const group = groups.get(place) ?? []
    groups.set(place, group)
    group.push({ lease, calledMono: call.invoke.mono, answeredMono: call.answer.mono })
  }
  for (const [place, starts] of groups) checkGroup(place, starts, findings)
}

/** For each start: of all that were answered before it was called, the one that started last. */
function checkGroup(place: string, starts: readonly Start[], findings: Findings): void {
  const byAnswer = [...starts].sort((a, b) => a.answeredMono - b.answeredMono)
  let latest: Start | undefined
  let at = 0
  for (const start of [...starts].sort((a, b) => a.calledMono - b.calledMono)) {
    for (let older = byAnswer[at]; older !== undefined && older.answeredMono < start.calledMono; older = byAnswer[at]) {
      if (latest === undefined || older.lease.startedAtMs > latest.lease.startedAtMs) latest = older
      at += 1
    }
    if (latest === undefined || latest.lease.startedAtMs <= start.lease.startedAtMs) continue
    const [first, second] = [latest.lease, start.lease]
    findings.violate(
      'I10',
      `${place}: ${second.id} (offset ${second.claim.offset}) started at ${second.startedAtMs}, before ${first.id} ` +
        `(offset ${first.claim.offset}), which was enqueued earlier and started at ${first.startedAtMs}`,
      [first.id, second.id],
    )
  }
}
