// What was done, said once at the bottom of the page and to screen readers.

import { signal } from '@preact/signals'

/** A notice, with a link to what was made. */
export interface Notice {
  readonly text: string
  readonly link: { readonly href: string; readonly text: string } | null
}

/** The latest. */
export const notice = signal<Notice | null>(null)

const SHOWN_MS = 12_000
let timer: ReturnType<typeof setTimeout> | undefined

/** Says it. */
export function say(text: string, link: Notice['link'] = null): void {
  notice.value = { text, link }
  clearTimeout(timer)
  timer = setTimeout(() => (notice.value = null), SHOWN_MS)
}
