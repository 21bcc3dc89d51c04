// Tables of text: columns as wide as their content, two spaces between them, nothing behind the last.

import { stripVTControlCharacters } from 'node:util'
import type { Style } from './style.ts'

/** A column: its head, and what it shows of an item. */
export interface Column<Item> {
  readonly head: string
  readonly text: (item: Item) => string
  /** Colours the text, once it is known to be harmless. */
  readonly paint?: (text: string, item: Item) => string
  /** Numbers stand at the right. */
  readonly isNumber?: true
}

/** A table of the items, with a line of heads. */
export function tableText<Item>(items: readonly Item[], columns: readonly Column<Item>[], style: Style): string {
  const rows = items.map(item => columns.map(({ text }) => oneLine(text(item))))
  const widths = columns.map(({ head }, at) => Math.max(head.length, ...rows.map(row => row[at]?.length ?? 0)))
  const line = (cells: readonly string[], paint: (cell: string, at: number) => string): string =>
    cells
      .map((cell, at) => {
        const pad = ' '.repeat(Math.max(0, (widths[at] ?? 0) - cell.length))
        return columns[at]?.isNumber === true ? pad + paint(cell, at) : paint(cell, at) + pad
      })
      .join('  ')
      .trimEnd()
  const heads = line(
    columns.map(({ head }) => head),
    head => head,
  )
  const lines = items.map((item, row) => line(rows[row] ?? [], (cell, at) => columns[at]?.paint?.(cell, item) ?? cell))
  return [style.dim(heads), ...lines].join('\n')
}

/** Names and values below each other; a value that is undefined is left out. */
export function pairsText(pairs: readonly (readonly [string, string | undefined])[], style: Style): string {
  const shown = pairs.filter((pair): pair is readonly [string, string] => pair[1] !== undefined)
  const width = Math.max(0, ...shown.map(([name]) => name.length))
  const indent = `\n${' '.repeat(width + 2)}`
  return shown.map(([name, value]) => `${style.dim(name.padEnd(width))}  ${value.replaceAll('\n', indent)}`).join('\n')
}

/** Text from outside, made harmless for a terminal: no escapes, no control characters but tabs and line breaks. */
export function plain(text: string): string {
  return stripVTControlCharacters(text).replaceAll(/\p{Cc}/gu, one => (one === '\n' || one === '\t' ? one : '\uFFFD'))
}

/** One line, harmless for a terminal. */
export function oneLine(text: string): string {
  return plain(text)
    .split('\n')
    .map(line => line.trim())
    .join(' ')
}
