// Colours and weights of text, or nothing where they are not wanted.

import picocolors from 'picocolors'
import type { Status } from '../../core/activity.ts'

/** Makes text stand out. */
export type Style = ReturnType<typeof picocolors.createColors>

/** Styles that do something, or nothing. */
export function colorsFor(areOn: boolean): Style {
  return picocolors.createColors(areOn)
}

/** A status in its colour. */
export function statusText(status: Status, style: Style): string {
  if (status === 'completed') return style.green(status)
  if (status === 'failed' || status === 'dead_letter') return style.red(status)
  if (status === 'running') return style.cyan(status)
  return status === 'scheduled' ? style.yellow(status) : status
}
