// I5: one activity per key. Under return_existing and no_reuse a key in use creates nothing; under allow_reuse_on_failure only
// once its activity ended unsuccessfully; whoever is told that it exists is told an activity that the key stood for.
// Several behaviours may use one key, and calls overlap: only what no order of the calls can explain is a violation.

import { CLOCK_TOLERANCE_MS } from './bounds.ts'
import type { CaseBook } from './case-book.ts'
import type { Call, CaseFile } from './case-file.ts'
import { terminalOf } from './case-file.ts'
import type { Findings } from './findings.ts'

const LOSS = 'Redis lost its keys in between'

/** An activity that was enqueued under a key. */
interface Holder {
  readonly file: CaseFile
  readonly spec: Call<'enqueue', 'invoke'>
  /** Its first call. */
  readonly fromMono: number
  /** When somebody was told that it was created; null: nobody was. */
  readonly createdMono: number | null
  /** It may hold the key: not every call of it was answered that another does. */
  readonly isCandidate: boolean
}

/** Checks I5. */
export function checkKeys(book: CaseBook, findings: Findings): void {
  const keys = new Map<string, Holder[]>()
  for (const file of book.files.values()) {
    const { spec } = file
    if (spec === null || spec.key === null) continue
    const name = `${spec.type}:${spec.key}`
    const holders = keys.get(name) ?? []
    keys.set(name, holders)
    holders.push(holderOf(file, spec))
  }
  for (const [name, holders] of keys) {
    const inOrder = [...holders].sort((a, b) => a.fromMono - b.fromMono)
    for (const holder of inOrder) {
      if (holder.createdMono !== null) checkCreated(book, name, holder, inOrder, findings)
      checkExisting(book, name, holder, inOrder, findings)
    }
  }
}

function holderOf(file: CaseFile, spec: Call<'enqueue', 'invoke'>): Holder {
  const created = file.enqueues.flatMap(({ answer }) => (answer?.outcome === 'created' ? [answer.mono] : []))
  const isDenied = file.enqueues.every(
    ({ answer }) => answer?.outcome === 'refused' || (answer?.outcome === 'existing' && answer.existingId !== file.id),
  )
  return {
    ...{ file, spec },
    fromMono: Math.min(...file.enqueues.map(({ invoke }) => invoke.mono)),
    createdMono: created.length === 0 ? null : Math.min(...created),
    isCandidate: !isDenied,
  }
}

/** It was created: then nothing that was certainly there before may have stood in its way. */
function checkCreated(
  book: CaseBook,
  name: string,
  holder: Holder,
  holders: readonly Holder[],
  findings: Findings,
): void {
  const { spec, createdMono } = holder
  if (spec.onDuplicate === 'allow_reuse' || createdMono === null) return
  const before = holders.filter(other => other !== holder && wasThereBefore(other, holder))
  // The latest of them stood in the way, or one that came in between; if any of those let it pass, all is well.
  const latestMono = Math.max(...before.map(({ createdMono: mono }) => mono ?? 0))
  const inTheWay = holders.filter(
    other => other !== holder && other.isCandidate && mayHold(other, latestMono) && other.fromMono < createdMono,
  )
  const rival = before.at(-1)
  if (rival === undefined || inTheWay.some(other => letsPass(book, other, holder))) return
  const isLoss = book.windows.lossDuring(rival.fromMono, createdMono)
  findings.judge(
    'I5',
    isLoss ? LOSS : null,
    `key ${name}: ${spec.id} was created (${spec.onDuplicate}), although ${rival.file.id} held the key`,
    [rival.file.id, spec.id],
  )
}

/** Both say that a key in use creates nothing: then one of the two was in the other's way, in whatever order. */
function wasThereBefore(other: Holder, holder: Holder): boolean {
  if (other.createdMono === null) return false
  if (other.createdMono < holder.fromMono) return true
  const areStrict = isStrict(other) && isStrict(holder)
  return areStrict && other.fromMono < holder.fromMono
}

function isStrict({ spec }: Holder): boolean {
  return spec.onDuplicate === 'return_existing' || spec.onDuplicate === 'no_reuse'
}

/** It may have held the key after that moment: it was not certainly replaced by then. */
function mayHold({ createdMono }: Holder, latestMono: number): boolean {
  return createdMono === null || createdMono >= latestMono
}

function letsPass({ clock, windows }: CaseBook, { file }: Holder, { spec, createdMono }: Holder): boolean {
  if (spec.onDuplicate !== 'allow_reuse_on_failure') return false
  const end = terminalOf(file)
  if (end === undefined || end.outcome === 'completed') return false
  if (end.isReaped && windows.hasReaperClock) return true // nobody knows when
  return clock.monoOf(end.endedAtMs) <= (createdMono ?? 0) + CLOCK_TOLERANCE_MS
}

/** Whoever is told of another activity is told one that was enqueued under the key, and not one that was replaced before. */
function checkExisting(
  book: CaseBook,
  name: string,
  { file }: Holder,
  holders: readonly Holder[],
  findings: Findings,
): void {
  for (const { invoke, answer } of file.enqueues) {
    if (answer === null || answer.existingId === null || answer.existingId === file.id) continue
    const named = holders.find(other => other.file.id === answer.existingId && other.fromMono <= answer.mono)
    const newer = holders.find(
      other =>
        named !== undefined &&
        other.createdMono !== null &&
        named.createdMono !== null &&
        other.fromMono > named.createdMono &&
        other.createdMono < invoke.mono,
    )
    if (named !== undefined && named.isCandidate && newer === undefined) continue
    const isLoss = book.windows.lossDuring(Math.min(named?.fromMono ?? invoke.mono, invoke.mono), answer.mono)
    findings.judge(
      'I5',
      isLoss ? LOSS : null,
      `key ${name}: the enqueue of ${file.id} was answered ${answer.outcome}, naming ${answer.existingId}, ` +
        (newer === undefined ? 'which never held the key' : `which ${newer.file.id} had replaced by then`),
      [file.id, answer.existingId],
    )
  }
}
