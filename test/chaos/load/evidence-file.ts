// Evidence on disk: JSON lines that are appended with one synchronous write, so that what a process said before it was killed
// is there; and readers of them. A kill can tear the line that was being written: one torn last line of a process that was
// killed is left out, and any other is an error, because then evidence is lost.
//
//   history-<proc>.jsonl   calls and answers      ledger-<proc>.jsonl   starts and ends of handlers
//   processes.jsonl        who lived when         offsets.jsonl         where the groups stood
//   <proc>.log             what a process logged

import { closeSync, openSync, readFileSync, readSync, readdirSync, statSync, writeSync } from 'node:fs'
import { basename, join } from 'node:path'
import { ErrandError } from '../../../src/core/errors.ts'
import type { CallLine, HistoryLine, LedgerLine, OffsetSample } from '../evidence.ts'
import { mono } from '../evidence.ts'

/** The kinds of processes of a load. */
export const PROCESS_KINDS = ['producer', 'worker', 'reaper'] as const
/** One of {@link PROCESS_KINDS}. */
export type ProcessKind = (typeof PROCESS_KINDS)[number]

/** One line of `processes.jsonl`: a process was started, or has ended. */
export interface ProcessLine {
  readonly what: 'start' | 'exit'
  readonly mono: number
  readonly name: string
  readonly kind: ProcessKind
  readonly pid: number
  /** With `exit`: its code, or null when a signal ended it. */
  readonly code: number | null
  readonly signal: string | null
  /** With `exit`: whether the fleet had told it to stop. */
  readonly isAsked: boolean
}

/** A file to which lines of JSON are appended. */
export class LineFile<Line> {
  readonly #fd: number

  constructor(path: string) {
    this.#fd = openSync(path, 'a')
  }

  /** All lines in one write. */
  append(lines: readonly Line[]): void {
    if (lines.length === 0) return
    const bytes = Buffer.from(lines.map(line => `${JSON.stringify(line)}\n`).join(''))
    for (let at = 0; at < bytes.length;) at += writeSync(this.#fd, bytes, at)
  }

  close(): void {
    closeSync(this.#fd)
  }
}

/** The history of one process. */
export class HistoryFile {
  readonly #file: LineFile<HistoryLine>
  readonly #proc: string
  #seq = 0

  constructor(dir: string, proc: string) {
    this.#file = new LineFile(historyPath(dir, proc))
    this.#proc = proc
  }

  /** Writes calls down, numbered without gaps, before it returns. */
  note(...calls: readonly CallLine[]): void {
    const now = mono()
    this.#file.append(calls.map(call => ({ seq: (this.#seq += 1), mono: now, proc: this.#proc, ...call })))
  }
}

/** Lines of a file as they are added, each once. A line that is not complete yet comes with a later call. */
export class LineTail<Line> {
  readonly #path: string
  #position = 0
  #rest = Buffer.alloc(0)

  constructor(path: string) {
    this.#path = path
  }

  read(): Line[] {
    const fd = openSync(this.#path, 'r')
    try {
      const added = Buffer.alloc(Math.max(0, statSync(this.#path).size - this.#position))
      const count = readSync(fd, added, 0, added.length, this.#position)
      this.#position += count
      const all = Buffer.concat([this.#rest, added.subarray(0, count)])
      const end = all.lastIndexOf(0x0a) + 1
      this.#rest = all.subarray(end)
      return linesOf(all.toString('utf8', 0, end)).map(line => JSON.parse(line) as Line)
    } finally {
      closeSync(fd)
    }
  }
}

/** Where a process writes its calls. */
export function historyPath(dir: string, proc: string): string {
  return join(dir, `history-${proc}.jsonl`)
}

/** Where a worker's handlers write. A file each, so that a line torn by a kill is the last of its file. */
export function ledgerPath(dir: string, proc: string): string {
  return join(dir, `ledger-${proc}.jsonl`)
}

/** Where the fleet writes who lived when. */
export function processesPath(dir: string): string {
  return join(dir, 'processes.jsonl')
}

/** Where the sampler writes. */
export function offsetsPath(dir: string): string {
  return join(dir, 'offsets.jsonl')
}

/** The histories that there are in a folder. */
export function historyFiles(dir: string): string[] {
  return filesOf(dir, 'history-')
}

/** Every history of a run, process by process. Throws `serialization` when evidence is lost. */
export function readHistory(dir: string): HistoryLine[] {
  return readEach<HistoryLine>(dir, 'history-')
}

/** Every start and end of a handler, in order of time. Throws `serialization` when evidence is lost. */
export function readLedger(dir: string): LedgerLine[] {
  return readEach<LedgerLine>(dir, 'ledger-').sort((a, b) => a.mono - b.mono)
}

/** Who lived when. */
export function readProcesses(dir: string): ProcessLine[] {
  return readLines<ProcessLine>(processesPath(dir), false)
}

/** Where the groups stood, once a second. */
export function readOffsets(dir: string): OffsetSample[] {
  return readLines<OffsetSample>(offsetsPath(dir), false)
}

/** Lines of one file. `mayBeTorn`: whether the last one may be incomplete. Throws `serialization` naming the line that is no JSON. */
export function readLines<Line>(path: string, mayBeTorn: boolean): Line[] {
  const text = readFileSync(path, 'utf8')
  const lines = linesOf(text)
  const isTorn = text !== '' && !text.endsWith('\n')
  if (isTorn && mayBeTorn) lines.pop()
  return lines.map((line, at) => {
    try {
      if (isTorn && !mayBeTorn && at === lines.length - 1) throw new RangeError('the line is not complete')
      return JSON.parse(line) as Line
    } catch (error) {
      const what = `line ${at + 1} of ${basename(path)} cannot be read`
      throw new ErrandError('serialization', what, { cause: error, details: { file: path, line: at + 1 } })
    }
  })
}

function readEach<Line>(dir: string, prefix: string): Line[] {
  const killed = new Set(readProcesses(dir).flatMap(({ name, signal }) => (signal === 'SIGKILL' ? [name] : [])))
  return filesOf(dir, prefix).flatMap(path => {
    const proc = basename(path).slice(prefix.length, -'.jsonl'.length)
    return readLines<Line>(path, killed.has(proc))
  })
}

function filesOf(dir: string, prefix: string): string[] {
  const names = readdirSync(dir).filter(name => name.startsWith(prefix) && name.endsWith('.jsonl'))
  return names.sort().map(name => join(dir, name))
}

function linesOf(text: string): string[] {
  return text.split('\n').filter(line => line !== '')
}
