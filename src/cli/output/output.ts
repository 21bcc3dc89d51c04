// How a command answers: as text for people, as JSON for programs, or not at all. Everything here goes to stdout.
//
// text: tables and sentences · json: one document · jsonl: one line for each item · none: only the exit code

import type { Terminal } from '../terminal.ts'
import type { Column } from './table.ts'
import { tableText } from './table.ts'
import type { TimeStyle } from './time-text.ts'
import { timeText } from './time-text.ts'
import { colorsFor } from './style.ts'
import type { Style } from './style.ts'

/** Formats of answers. */
export const OUTPUT_FORMATS = ['text', 'json', 'jsonl', 'none'] as const
/** One of {@link OUTPUT_FORMATS}. */
export type OutputFormat = (typeof OUTPUT_FORMATS)[number]

/** Answers on stdout. */
export class Output {
  readonly format: OutputFormat
  /** Colours for text; none where stdout takes none. */
  readonly style: Style
  readonly #terminal: Terminal
  readonly #time: TimeStyle

  constructor(terminal: Terminal, format: OutputFormat, time: TimeStyle) {
    this.#terminal = terminal
    this.format = format
    this.#time = time
    this.style = colorsFor(terminal.colors.out)
  }

  /** One thing: a JSON document, or what `text` makes of it. */
  async document(value: unknown, text: () => string): Promise<void> {
    if (this.format === 'text') await this.#terminal.out(text())
    else if (this.format === 'json') await this.#terminal.out(jsonText(value, 2))
    else if (this.format === 'jsonl') await this.#terminal.out(jsonText(value))
  }

  /**
   * Several things of a kind: a table, one document `{ items, …rest }`, or a line each (without `rest`).
   * `empty`: the sentence when there are none.
   */
  async items<Item>(
    items: readonly Item[],
    shape: {
      readonly columns: readonly Column<Item>[]
      readonly empty: string
      readonly rest?: Readonly<Record<string, unknown>>
      /** What JSON shows of an item. @defaultValue the item */
      readonly json?: (item: Item) => unknown
    },
  ): Promise<void> {
    const json = shape.json ?? ((item: Item): unknown => item)
    if (this.format === 'text') {
      await this.#terminal.out(items.length === 0 ? shape.empty : tableText(items, shape.columns, this.style))
    } else if (this.format === 'json') {
      await this.#terminal.out(jsonText({ items: items.map(json), ...shape.rest }, 2))
    } else if (this.format === 'jsonl') {
      for (const item of items) await this.#terminal.out(jsonText(json(item)))
    }
  }

  /** One thing of a stream that goes on: a line, whatever the format. */
  async line(value: unknown, text: () => string): Promise<void> {
    if (this.format === 'text') await this.#terminal.out(text())
    else if (this.format !== 'none') await this.#terminal.out(jsonText(value))
  }

  /** A time as `--time` asks for it; a dash for none. */
  time(atMs: number | null | undefined, nowMs: number = Date.now()): string {
    return atMs === null || atMs === undefined ? '–' : timeText(atMs, this.#time, nowMs)
  }
}

/** JSON in which no control character is left that a terminal would obey: they stand in strings only, and are escaped there. */
function jsonText(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, null, indent)
  return text.replaceAll(/[\u007F-\u009F]/g, one => `\\u00${one.charCodeAt(0).toString(16)}`)
}
