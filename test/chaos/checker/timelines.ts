// I13: a timeline without gaps. Attempts are numbered from 1, each has one outcome, nothing comes after the end, and times
// only go on: created, started, ended, the next started.

import type { CaseBook } from './case-book.ts'
import type { CaseFile, Ending } from './case-file.ts'
import { isTerminal } from './case-file.ts'
import type { Findings } from './findings.ts'
import { lossBetween } from './one-end.ts'

/** Checks I13. */
export function checkTimelines(book: CaseBook, findings: Findings): void {
  for (const file of book.files.values()) {
    const timeline = [...file.endings].sort((a, b) => a.attempt - b.attempt || a.offset - b.offset)
    checkOneEach(book, timeline, findings)
    checkNoGap(book, file, timeline, findings)
    checkNothingAfter(book, timeline, findings)
    checkOrderOfTimes(book, timeline, findings)
  }
}

/** One outcome for each attempt. Two that end the activity are judged as that (I3). */
function checkOneEach(book: CaseBook, timeline: readonly Ending[], findings: Findings): void {
  timeline.forEach((ending, at) => {
    const before = timeline[at - 1]
    if (before?.attempt !== ending.attempt || (isTerminal(before) && isTerminal(ending))) return
    findings.judge(
      'I13',
      lossBetween(book, before, ending),
      `attempt ${ending.attempt} of ${ending.id} ended twice: ${before.outcome} (lease ${before.leaseId}) and ` +
        `${ending.outcome} (lease ${ending.leaseId})`,
      [ending.id],
    )
  })
}

function checkNoGap(book: CaseBook, file: CaseFile, timeline: readonly Ending[], findings: Findings): void {
  let attempt = 0
  for (const ending of timeline) {
    if (ending.attempt > attempt + 1) {
      // A reaper writes the next attempt before it tells of this one's end; a Redis that is lost in between forgets to.
      const from = file.acceptedMono ?? file.enqueues[0]?.invoke.mono ?? 0
      const isLoss = book.windows.lossDuring(from, book.clock.monoOf(ending.endedAtMs))
      findings.judge(
        'I13',
        isLoss ? 'Redis lost an expiry before its outcome was written' : null,
        `${ending.id} has an outcome of attempt ${ending.attempt} (${ending.outcome}), and none of attempt ${attempt + 1}`,
        [ending.id],
      )
    }
    attempt = ending.attempt
  }
}

function checkNothingAfter(book: CaseBook, timeline: readonly Ending[], findings: Findings): void {
  const end = timeline.find(isTerminal)
  if (end === undefined) return
  for (const later of timeline) {
    if (later.attempt <= end.attempt || isTerminal(later)) continue
    findings.judge(
      'I13',
      lossBetween(book, end, later),
      `${end.id} ended ${end.outcome} in attempt ${end.attempt}, and attempt ${later.attempt} ended ${later.outcome} all the same`,
      [end.id],
    )
  }
}

function checkOrderOfTimes(book: CaseBook, timeline: readonly Ending[], findings: Findings): void {
  const { hasReaperClock, hasProducerClock } = book.windows
  timeline.forEach((ending, at) => {
    const { id, attempt, createdAtMs, startedAtMs, endedAtMs, isReaped } = ending
    const told = `attempt ${attempt} of ${id}`
    if (startedAtMs !== null && createdAtMs > startedAtMs) {
      const why = hasProducerClock ? "a producer's own clock may have been moved" : null
      findings.judge('I13', why, `${told} started at ${startedAtMs}, before it was created at ${createdAtMs}`, [id])
    }
    const untrusted = isReaped && hasReaperClock ? "a reaper's own clock may have been moved" : null
    if (startedAtMs !== null && startedAtMs > endedAtMs) {
      findings.judge('I13', untrusted, `${told} ended at ${endedAtMs}, before it started at ${startedAtMs}`, [id])
    }
    const next = timeline[at + 1]
    if (next === undefined || next.attempt === attempt || (next.startedAtMs ?? endedAtMs) >= endedAtMs) return
    const why = untrusted ?? lossBetween(book, ending, next)
    findings.judge(
      'I13',
      why,
      `attempt ${next.attempt} of ${id} started at ${next.startedAtMs}, before ${told} ended at ${endedAtMs}`,
      [id],
    )
  })
}
