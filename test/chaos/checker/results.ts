// I9: a result that somebody has seen stays, the same, until its time is over (a day: longer than any run), also across a loss
// of Redis once `errand rebuild` has finished.

import { createHash } from 'node:crypto'

import type { CaseBook } from './case-book.ts'
import type { Call, CaseFile } from './case-file.ts'
import { isTerminal, terminalOf } from './case-file.ts'
import type { Findings } from './findings.ts'

type Look = Call<'result', 'answer'>

/** Checks I9. */
export function checkResults(book: CaseBook, findings: Findings): void {
  for (const file of book.files.values()) {
    checkLooks(book, file, findings)
    checkStored(book, file, findings)
  }
}

function checkLooks(book: CaseBook, file: CaseFile, findings: Findings): void {
  const seenBy = new Map<string, Look>()
  let last: Look | undefined
  for (const look of [...file.results].sort((a, b) => a.mono - b.mono)) {
    if (look.outcome === 'value') {
      if (last !== undefined && last.sha !== look.sha) {
        const when = `between ${Math.round(last.mono)} and ${Math.round(look.mono)}`
        findings.judge('I9', whyChanged(file), `the result of ${file.id} changed ${when}`, [file.id])
      }
      last = look
      seenBy.set(look.proc, look)
    }
    // Only one process's own looks are known to come one after another.
    const seen = look.outcome === 'none' ? seenBy.get(look.proc) : undefined
    if (seen === undefined) continue
    findings.judge(
      'I9',
      whyGone(book, file, seen.mono, look.mono),
      `${look.proc} saw the result of ${file.id} at ${Math.round(seen.mono)}, and none at ${Math.round(look.mono)}`,
      [file.id],
    )
  }
  if (last !== undefined) checkLastLook(book, file, last, findings)
}

/** What was seen last is what is there at rest. */
function checkLastLook({ evidence }: CaseBook, file: CaseFile, last: Look, findings: Findings): void {
  const stored = storedResult(evidence.redis.markers[file.id])
  if (stored === undefined || evidence.run.restedMono === null) return
  if (resultSha(stored.state, stored.json) === last.sha) return
  const message = `the result of ${file.id} changed after it was seen at ${Math.round(last.mono)}`
  findings.judge('I9', whyChanged(file), message, [file.id])
}

/** A marker's result as callers get it. That of an end without one is kept without its time, which is the marker's (`t`). */
function storedResult(
  marker: Readonly<Record<string, string>> | undefined,
): { state: string; json: string } | undefined {
  const text = marker?.['r']
  if (text === undefined) return undefined
  const [state, json] = [text.slice(0, text.indexOf('|')), text.slice(text.indexOf('|') + 1)]
  if (state !== 'end') return { state, json }
  const { type, attempts, failure } = JSON.parse(json) as {
    type: string
    attempts: number
    failure: { message: string }
  }
  const failedAt = new Date(Number(marker?.['t'])).toISOString()
  return {
    state: 'err',
    json: JSON.stringify({ error: failure.message, type, failed_at: failedAt, attempts, failure }),
  }
}

/** As histories have it: of state and JSON text. */
export function resultSha(state: string, json: string): string {
  return createHash('sha256').update(`${state}${json}`).digest('hex')
}

/** Each end has a result of its own; that there is more than one end is judged apart (I3). */
function whyChanged({ endings }: CaseFile): string | null {
  return endings.filter(isTerminal).length > 1 ? 'it ended twice' : null
}

/** Between a loss and the end of the rebuild it may be gone; so may one that Kafka was not told of before the loss. */
function whyGone({ windows, clock }: CaseBook, file: CaseFile, seenMono: number, goneMono: number): string | null {
  if (windows.lossDuring(goneMono, goneMono)) return 'Redis was lost, and not rebuilt yet'
  const end = terminalOf(file)
  const endedMono = end === undefined ? Number.POSITIVE_INFINITY : clock.monoOf(end.endedAtMs)
  const isRerun = endedMono > seenMono && windows.lossDuring(seenMono, goneMono)
  return isRerun ? 'Redis lost a settlement before Kafka knew of it' : null
}

/** At rest Redis has the result of everything that ended, and it is the one that Kafka remembers. */
function checkStored({ evidence }: CaseBook, file: CaseFile, findings: Findings): void {
  const end = terminalOf(file)
  if (end === undefined || evidence.run.restedMono === null) return
  const stored = storedResult(evidence.redis.markers[file.id])
  if (stored === undefined) {
    findings.violate('I9', `${file.id} ended ${end.outcome}, and at rest Redis has no result of it`, [file.id])
    return
  }
  const { state, json } = stored
  const expected = end.outcome === 'completed' ? 'ok' : 'err'
  if (state !== expected) {
    findings.violate('I9', `${file.id} ended ${end.outcome}, and its stored result is '${state}'`, [file.id])
  } else if (state === 'ok' && !isStoredAs(file, json)) {
    findings.violate('I9', `${file.id} completed with another result than is stored`, [file.id])
  }
}

/** Any of its completions, should it have completed twice across a loss of Redis. */
function isStoredAs({ endings }: CaseFile, text: string): boolean {
  const completions = endings.filter(({ outcome }) => outcome === 'completed')
  return completions.some(({ resultJson }) => resultJson === text || resultJson === sameJson(text))
}

/** As the outcomes topic's are made anew; null when it is no JSON. */
function sameJson(text: string): string | null {
  try {
    return JSON.stringify(JSON.parse(text))
  } catch {
    return null // then it is no completion's result
  }
}
