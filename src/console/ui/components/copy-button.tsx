// A button that copies a text, and says whether it did.

import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { copyText } from '../copying.ts'

const SHOWN_MS = 2_000

/** `label`: what is copied, for people; `isNamed`: it stands in the button too. */
export function CopyButton(props: {
  readonly text: string
  readonly label: string
  readonly isNamed?: boolean
}): JSX.Element {
  const { text, label, isNamed = false } = props
  const [said, setSaid] = useState<string | null>(null)
  useEffect(() => {
    if (said === null) return
    const timer = setTimeout(() => setSaid(null), SHOWN_MS)
    return () => clearTimeout(timer)
  }, [said])
  const copy = (): void => {
    void copyText(text).then(isCopied => setSaid(isCopied ? 'Copied' : 'Select it and copy by hand'))
  }
  return (
    <button type="button" class="quiet" onClick={copy} aria-label={said === null ? `Copy ${label}` : undefined}>
      <span aria-live="polite">{said ?? (isNamed ? `Copy ${label}` : 'Copy')}</span>
    </button>
  )
}

/** Text to copy, in a box of its own. */
export function CopyLine({ text, label }: { readonly text: string; readonly label: string }): JSX.Element {
  return (
    <div class="copy-line">
      <pre tabIndex={0} aria-label={label}>
        <code>{text}</code>
      </pre>
      <CopyButton text={text} label={label} />
    </div>
  )
}
