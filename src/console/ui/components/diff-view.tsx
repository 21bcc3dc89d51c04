// A diff to look at: what is taken out and what is put in, by sign and by colour.

import type { JSX } from 'preact'
import { changedPart, lineDiff } from '../line-diff.ts'

const SIGNS = { same: ' ', out: '−', in: '+' } as const
const AROUND = 3

/** From one text to another. */
export function DiffView({ before, after }: { readonly before: string; readonly after: string }): JSX.Element {
  if (before === after) return <p class="muted">Nothing is changed.</p>
  return (
    <pre class="diff" tabIndex={0} aria-label="Changes: lines with − are taken out, lines with + put in">
      {changedPart(lineDiff(before, after), AROUND).map((line, at) => (
        <span key={at} class={line === null ? 'diff-left-out' : `diff-${line.change}`}>
          {line === null ? '…\n' : `${SIGNS[line.change]} ${line.text}\n`}
        </span>
      ))}
    </pre>
  )
}
