// Enqueues lines of input, batch by batch: the next batch is read once the one before was answered, so that however long the input
// is, and however fast it comes, memory stays the same. A refused line is told and passed over.

import { createReadStream, fstatSync, statSync } from 'node:fs'
import { addAbortSignal } from 'node:stream'
import type { Readable } from 'node:stream'
import type { Client, EnqueueItemAnswer } from '../client/client.ts'
import type { ActivityDefinition } from '../client/define-activity.ts'
import { systemClock } from '../core/clock.ts'
import { ErrandError, fromUnknown, isErrandError, saidBy } from '../core/errors.ts'
import { CLI_LIMITS } from '../core/limits.ts'
import type { Invocation } from './command.ts'
import type { Line, LineDefaults, LineItem } from './enqueue-lines.ts'
import { lineBatches } from './enqueue-lines.ts'
import { stepsOf, upToFirstWrong } from './enqueue-steps.ts'
import { withWayToTopics } from './missing-topics.ts'
import { barText, ProgressLine } from './output/progress-line.ts'
import { plain } from './output/table.ts'

/** What is over sooner needs no progress. */
const SHOWN_AFTER_MS = 1_000

/** Where lines come from. */
export interface LineSource {
  readonly stream: Readable
  /** Null: nobody knows. */
  readonly bytes: number | null
}

/** What became of the lines. */
export interface LineCounts {
  readonly lines: number
  readonly created: number
  readonly existing: number
  readonly refused: number
  readonly unavailable: number
}

/** What {@link EnqueueRun} needs. */
export interface EnqueueRunParts {
  readonly call: Pick<Invocation, 'terminal' | 'output' | 'config'>
  readonly client: Client
  readonly defaults: LineDefaults
  /** Throws `invalid_argument` for a type that nobody may define. */
  readonly definitionOf: (type: string) => ActivityDefinition
  /** Ends at the first line that was not accepted. */
  readonly stopsOnError: boolean
}

/** Opens a file, or stdin for `-`. Throws `invalid_argument` when it cannot be read. */
export function openLines(path: string, stdin: Readable): LineSource {
  try {
    if (path === '-') return { stream: stdin, bytes: sizeOf(fstatSync(0)) }
    const bytes = sizeOf(statSync(path))
    return { stream: createReadStream(path), bytes }
  } catch (error) {
    throw new ErrandError('invalid_argument', `--file ${path} cannot be read: ${saidBy(error)}`, {
      details: { field: '--file' },
      cause: error,
    })
  }
}

function sizeOf(stats: ReturnType<typeof statSync>): number | null {
  return stats !== undefined && stats.isFile() ? Number(stats.size) : null
}

/** One run over lines. */
export class EnqueueRun {
  readonly #parts: EnqueueRunParts
  readonly #display: ProgressLine
  readonly #counts = { lines: 0, created: 0, existing: 0, refused: 0, unavailable: 0 }
  #bytesRead = 0
  #hasFirstError = false

  constructor(parts: EnqueueRunParts) {
    this.#parts = parts
    this.#display = new ProgressLine(parts.call.terminal)
  }

  /** Enqueues every line. Ends early with the signal, at an error where that was asked for, and when nothing can be accepted. */
  async perform({ stream, bytes }: LineSource): Promise<LineCounts> {
    const { terminal } = this.#parts.call
    const startedMs = systemClock.monotonicMs()
    addAbortSignal(terminal.signal, stream)
    try {
      for await (const batch of lineBatches(this.#counted(stream), this.#parts.defaults)) {
        const isUseless = await this.#enqueue(batch)
        if (systemClock.monotonicMs() - startedMs > SHOWN_AFTER_MS)
          this.#display.show('lines', this.#progressText(bytes))
        if (terminal.signal.aborted || (this.#hasFirstError && this.#parts.stopsOnError)) break
        if (isUseless) {
          this.#say(
            'Nothing is accepted any more: stopped here. The same input may be given again; where lines have a key or an id, no activity becomes two.',
          )
          break
        }
      }
    } catch (error) {
      if (!terminal.signal.aborted) throw error
    } finally {
      stream.destroy()
      this.#display.end()
    }
    return this.#counts
  }

  async *#counted(stream: Readable): AsyncGenerator<Uint8Array> {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      this.#bytesRead += chunk.length
      yield chunk
    }
  }

  /** True when all of it was unavailable: Kafka or Redis is away. */
  async #enqueue(batch: readonly Line[]): Promise<boolean> {
    const before = this.#counts.unavailable
    const { stopsOnError } = this.#parts
    const lines = stopsOnError ? upToFirstWrong(batch, systemClock.nowMs()) : batch
    const good = lines.filter(line => 'item' in line)
    const steps = stopsOnError ? stepsOf(good) : Map.groupBy(good, line => line.type).values()
    let sent = 0
    // Told in the order of the lines where it stops: those before it are sent first.
    if (!stopsOnError) this.#refuseWrong(lines)
    for (const step of steps) {
      await this.#sendStep(step)
      sent += step.length
      if (stopsOnError && this.#hasFirstError) {
        this.#counts.lines += sent
        return false
      }
    }
    if (stopsOnError) this.#refuseWrong(lines)
    this.#counts.lines += lines.length
    return good.length > 0 && this.#counts.unavailable - before === good.length
  }

  #refuseWrong(lines: readonly Line[]): void {
    for (const line of lines) if ('error' in line) this.#refuse(line.number, line.error)
  }

  async #sendStep(step: readonly (LineItem & { readonly number: number })[]): Promise<void> {
    const answers = await this.#send(
      step[0]?.type ?? '',
      step.map(({ item }) => item),
    )
    for (const [at, { number }] of step.entries()) await this.#answer(number, answers[at])
  }

  async #send(
    type: string,
    items: Parameters<Client['enqueueMany']>[1],
  ): Promise<readonly EnqueueItemAnswer<unknown>[]> {
    try {
      return await this.#parts.client.enqueueMany(this.#parts.definitionOf(type), items)
    } catch (error) {
      // The type as a whole: it has no topics, or nobody answers.
      if (!isErrandError(error)) throw error
      const outcome = error.code === 'unavailable' ? 'unavailable' : 'refused'
      const { namespace } = this.#parts.call.config
      const told = fromUnknown(withWayToTopics(error, { namespace, type }), error.code)
      return items.map(() => ({ outcome, id: undefined, error: told }))
    }
  }

  async #answer(number: number, answer: EnqueueItemAnswer<unknown> | undefined): Promise<void> {
    if (answer === undefined || 'error' in answer) {
      const error = answer?.error ?? new ErrandError('internal', 'there was no answer')
      if (answer?.outcome !== 'unavailable') return this.#refuse(number, error)
      this.#counts.unavailable += 1
      return this.#tell(number, error)
    }
    this.#counts[answer.outcome] += 1
    const { output } = this.#parts.call
    if (output.format === 'jsonl') await output.line({ line: number, ...answer.handle.toJSON() }, () => '')
  }

  #refuse(number: number, error: ErrandError): void {
    this.#counts.refused += 1
    this.#tell(number, error)
  }

  #tell(number: number, error: ErrandError): void {
    this.#hasFirstError = true
    this.#say(`line ${number}: ${error.message}`)
  }

  #say(text: string): void {
    this.#display.end()
    this.#parts.call.terminal.err(`${plain(text)}\n`)
  }

  #progressText(bytes: number | null): string {
    const { lines, refused, unavailable } = this.#counts
    const wrong = refused + unavailable
    const told = `${lines.toLocaleString('en-US')} ${lines === 1 ? 'line' : 'lines'}${wrong === 0 ? '' : `, ${wrong.toLocaleString('en-US')} not accepted`}`
    return bytes === null ? told : `${barText(this.#bytesRead, bytes)}  ${told}`
  }
}

/** A table of definitions that is bounded: what an input can name has no end. */
export function definitionsOf(define: (type: string) => ActivityDefinition): (type: string) => ActivityDefinition {
  const known = new Map<string, ActivityDefinition>()
  return type => {
    const found = known.get(type)
    if (found !== undefined) return found
    if (known.size >= CLI_LIMITS.enqueueTypesMax) {
      const text = `one input names at most ${CLI_LIMITS.enqueueTypesMax} types; split it.`
      throw new ErrandError('invalid_argument', text, { details: { field: 'type' } })
    }
    const definition = define(type)
    known.set(type, definition)
    return definition
  }
}
