// What passes between a client and Redis, as far as it takes to tell which answer belongs to which command, and whether that
// command has written.

import { hash } from 'node:crypto'
import { REDIS_READS, writingScripts } from './lua-writes.ts'

/** A whole answer of the server. */
export interface Answer {
  readonly bytes: Buffer
  /** The write that it says was carried out; null for any other answer. */
  readonly written: string | null
}

/** Commands about the connection, not the data. */
const SESSION = new Set(['auth', 'client', 'hello', 'multi', 'quit', 'script', 'select', 'subscribe', 'unsubscribe'])
const WRITING_SHAS = new Map(writingScripts().map(({ name, text }) => [hash('sha1', text), name]))
/** Pushed, and no command's answer. */
const PUSH = '>'.charCodeAt(0)
const ERROR = '-'.charCodeAt(0)
const CRLF = '\r\n'

/** One connection to Redis, watched. */
export class RedisDialogue {
  readonly #asked: (string | null)[] = []
  #fromClient: Buffer = Buffer.alloc(0)
  #fromServer: Buffer = Buffer.alloc(0)

  /** Bytes on their way to the server. */
  onRequest(bytes: Buffer): void {
    this.#fromClient = Buffer.concat([this.#fromClient, bytes])
    for (;;) {
      const end = valueEnd(this.#fromClient, 0)
      if (end === -1) return
      this.#asked.push(writeIn(this.#fromClient.subarray(0, end)))
      this.#fromClient = this.#fromClient.subarray(end)
    }
  }

  /** Bytes on their way to the client; gives the answers that are complete with them. */
  onAnswer(bytes: Buffer): Answer[] {
    this.#fromServer = Buffer.concat([this.#fromServer, bytes])
    const answers: Answer[] = []
    for (;;) {
      const end = valueEnd(this.#fromServer, 0)
      if (end === -1) return answers
      const answer = this.#fromServer.subarray(0, end)
      this.#fromServer = this.#fromServer.subarray(end)
      const asked = answer[0] === PUSH ? null : (this.#asked.shift() ?? null)
      answers.push({ bytes: answer, written: isDone(answer) ? asked : null })
    }
  }
}

/** Refused, or only put into a transaction, it has written nothing. */
function isDone(answer: Buffer): boolean {
  return answer[0] !== ERROR && !answer.toString('latin1', 0, 9).startsWith('+QUEUED')
}

/** The name of the write that a command is, or null. */
function writeIn(command: Buffer): string | null {
  const parts = bulkStrings(command)
  const name = (parts[0] ?? '').toLowerCase()
  if (name === 'evalsha') return WRITING_SHAS.get((parts[1] ?? '').toLowerCase()) ?? null
  if (name === 'eval') return WRITING_SHAS.get(hash('sha1', parts[1] ?? '')) ?? null
  return REDIS_READS.has(name) || SESSION.has(name) ? null : name
}

/** The first two arguments of a command. */
function bulkStrings(command: Buffer): string[] {
  const parts: string[] = []
  let at = lineEnd(command, 0)
  while (parts.length < 2 && at !== -1 && at < command.length) {
    const from = lineEnd(command, at)
    const length = Number(command.toString('latin1', at + 1, from - CRLF.length))
    parts.push(command.toString('utf8', from, from + length))
    at = from + length + CRLF.length
  }
  return parts
}

/** Where the value that begins at `at` ends, or -1 while it is not complete. */
function valueEnd(buffer: Buffer, at: number): number {
  const body = lineEnd(buffer, at)
  if (body === -1) return -1
  const kind = String.fromCharCode(buffer[at] ?? 0)
  const count = Number(buffer.toString('latin1', at + 1, body - CRLF.length))
  if ('$=!'.includes(kind)) {
    const end = count < 0 ? body : body + count + CRLF.length
    return end <= buffer.length ? end : -1
  }
  if ('*~>%|'.includes(kind)) {
    // An attribute stands in front of the value that it is about.
    const values = kind === '%' ? count * 2 : kind === '|' ? count * 2 + 1 : count
    let end = body
    for (let nth = 0; nth < values && end !== -1; nth++) end = valueEnd(buffer, end)
    return end
  }
  return body
}

function lineEnd(buffer: Buffer, at: number): number {
  const found = buffer.indexOf(CRLF, at)
  return found === -1 ? -1 : found + CRLF.length
}
