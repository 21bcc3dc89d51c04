// Asks before something is changed: what will happen, why it is done, and what came of it when it failed. The same request is the
// same act: a second click, or a try again after the network was away, does nothing new.

import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useId, useMemo, useRef, useState } from 'preact/hooks'
import { ApiProblem, change } from '../api.ts'
import { RequestIds } from '../request-id.ts'

/** A change that is ready to be asked for. */
export interface Change {
  /** Of the API. */
  readonly path: string
  /** Members of the body, beside the reason, as JSON text: digits stay as they are. */
  readonly members: Readonly<Record<string, string>>
}

/** Props of {@link ActDialog}. */
export interface ActDialogProps<T> {
  readonly title: string
  /** The button that does it: a verb. */
  readonly verb: string
  readonly isDanger?: boolean
  readonly isWide?: boolean
  /** Null: it is not complete, and cannot be asked for. */
  readonly change: Change | null
  readonly children: ComponentChildren
  readonly onDone: (answer: T) => void
  readonly onClose: () => void
}

/** The dialog. */
export function ActDialog<T>(props: ActDialogProps<T>): JSX.Element {
  const { title, verb, isDanger = false, isWide = false, change: asked, children, onDone, onClose } = props
  const [reason, setReason] = useState('')
  const [isBusy, setBusy] = useState(false)
  const [problem, setProblem] = useState<ApiProblem | null>(null)
  const ids = useMemo(() => new RequestIds(), [])
  const canAsk = asked !== null && reason.trim() !== '' && !isBusy
  const submit = (): void => {
    if (asked === null || !canAsk) return
    setBusy(true)
    setProblem(null)
    const body = bodyOf(asked, reason.trim())
    change<T>('POST', asked.path, body, ids.of(`${asked.path} ${body}`)).then(
      answer => {
        onClose()
        onDone(answer)
      },
      (error: unknown) => {
        setBusy(false)
        setProblem(error instanceof ApiProblem ? error : null)
        if (!(error instanceof ApiProblem)) throw error
      },
    )
  }
  return (
    <Dialog title={title} isWide={isWide} onClose={onClose}>
      <form
        onSubmit={event => {
          event.preventDefault()
          submit()
        }}
      >
        {children}
        <ReasonField value={reason} onInput={setReason} />
        {problem !== null && (
          <p class="problem" role="alert">
            {problem.message} <code>{problem.code}</code>
          </p>
        )}
        <div class="dialog-buttons">
          <button type="button" onClick={onClose}>
            Back
          </button>
          <button type="submit" class={isDanger ? 'danger' : 'primary'} disabled={!canAsk}>
            {isBusy ? 'Asked…' : verb}
          </button>
        </div>
      </form>
    </Dialog>
  )
}

function ReasonField(props: { readonly value: string; readonly onInput: (text: string) => void }): JSX.Element {
  const id = useId()
  return (
    <div class="field">
      <label for={id}>Why (goes into the audit)</label>
      <input
        id={id}
        type="text"
        required
        maxLength={500}
        autocomplete="off"
        value={props.value}
        onInput={event => props.onInput(event.currentTarget.value)}
      />
    </div>
  )
}

/** A modal dialog: focus stays within, Escape leaves. */
export function Dialog(props: {
  readonly title: string
  readonly isWide?: boolean
  readonly children: ComponentChildren
  readonly onClose: () => void
}): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null)
  const id = useId()
  useEffect(() => {
    const { current } = dialog
    const focused = document.activeElement
    current?.showModal()
    current?.querySelector<HTMLElement>('[data-first], input, select, textarea, button')?.focus()
    return () => {
      current?.close()
      if (focused instanceof HTMLElement) focused.focus()
    }
  }, [])
  return (
    <dialog
      ref={dialog}
      class={props.isWide === true ? 'wide' : ''}
      aria-labelledby={id}
      onCancel={event => {
        event.preventDefault()
        props.onClose()
      }}
    >
      <h2 id={id}>{props.title}</h2>
      {props.children}
    </dialog>
  )
}

function bodyOf({ members }: Change, reason: string): string {
  const all = Object.entries({ ...members, reason: JSON.stringify(reason) })
  return `{${all.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`
}
