// I8: what ended as a dead letter is in the dead-letter topic, whole, and nothing else is. Nobody wrote garbage, so no record
// was set aside as poison either.

import { createHash } from 'node:crypto'

import type { CaseBook } from './case-book.ts'
import type { CaseFile, DeadLetterSeen } from './case-file.ts'
import type { Findings } from './findings.ts'

/** Headers that every dead letter has. */
const HEADERS = [
  'errand-kind',
  'errand-attempts',
  'errand-error-class',
  'errand-fingerprint',
  'errand-first-failed-at',
  'errand-failed-at',
] as const
/** Headers that say where its last attempt's record stood. A reaper does not know. */
const SOURCE_HEADERS = ['errand-source-topic', 'errand-source-partition', 'errand-source-offset'] as const

/** Checks I8. */
export function checkDeadLetters(book: CaseBook, findings: Findings): void {
  for (const place of book.records.poison) findings.violate('I8', `a record was set aside as poison: ${place}`, [])
  for (const place of book.records.unreadable) findings.violate('I8', `a record cannot be read: ${place}`, [])
  for (const file of book.files.values()) {
    const dead = file.endings.find(({ outcome }) => outcome === 'dead_letter')
    if (dead !== undefined && file.deadLetters.length === 0) {
      findings.violate('I8', `${file.id} became a dead letter, and the dead-letter topic does not have it`, [file.id])
    }
    if (dead === undefined && file.deadLetters.length > 0) checkUnexplained(book, file, findings)
    for (const letter of file.deadLetters) checkLetter(file, letter, findings)
    if (dead !== undefined && !dead.isReaped) checkSource(book, file, findings)
  }
}

function checkUnexplained(book: CaseBook, file: CaseFile, findings: Findings): void {
  const from = file.leases[0]?.claimedMono ?? file.acceptedMono ?? 0
  const isLoss = book.windows.lossDuring(from, Number.POSITIVE_INFINITY)
  findings.judge(
    'I8',
    isLoss ? 'Redis lost an expiry whose dead letter was written' : null,
    `${file.id} is in the dead-letter topic, and no outcome says so`,
    [file.id],
  )
}

function checkLetter(file: CaseFile, letter: DeadLetterSeen, findings: Findings): void {
  const { spec, id } = file
  const place = `the dead letter of ${id} (dlq/${letter.partition}@${letter.offset})`
  const missing = HEADERS.filter(name => (letter.headers[name] ?? '') === '')
  if (missing.length > 0) findings.violate('I8', `${place} lacks the headers ${missing.join(', ')}`, [id])
  if (letter.headers['errand-attempts'] !== String(letter.attempts)) {
    findings.violate(
      'I8',
      `${place} was after ${letter.attempts} attempts, and its header says ${letter.headers['errand-attempts']}`,
      [id],
    )
  }
  if (spec === null) return
  if (sha256(letter.payloadJson ?? '') !== spec.payloadSha) {
    findings.violate('I8', `${place} has another payload than was accepted`, [id])
  }
  if (letter.type !== spec.type || letter.priority !== spec.priority) {
    findings.violate(
      'I8',
      `${place} is ${letter.type}/${letter.priority}; it was enqueued as ${spec.type}/${spec.priority}`,
      [id],
    )
  }
}

/** One of its copies says where the record of the last attempt stood: in the lane that it was enqueued to. */
function checkSource({ evidence }: CaseBook, file: CaseFile, findings: Findings): void {
  const { id, spec, deadLetters } = file
  if (deadLetters.length === 0 || spec === null) return
  const lane = `${evidence.run.namespace}.${spec.type}.${spec.priority}`
  const isComplete = deadLetters.some(
    ({ headers }) =>
      SOURCE_HEADERS.every(name => headers[name] !== undefined) && headers['errand-source-topic'] === lane,
  )
  if (!isComplete)
    findings.violate('I8', `the dead letter of ${id} does not say where in ${lane} its record stood`, [id])
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
