// A time: relative, with the exact one on hover and for screen readers.

import type { JSX } from 'preact'
import { now } from '../now.ts'
import { exactText, relativeText } from '../time-text.ts'

/** `3 min ago`; a dash for none. */
export function Time({ atMs }: { readonly atMs: number | null | undefined }): JSX.Element {
  if (atMs === null || atMs === undefined) return <span class="muted">–</span>
  return (
    <time dateTime={new Date(atMs).toISOString()} title={exactText(atMs)}>
      {relativeText(atMs, now.value)}
    </time>
  )
}
