// What can be done with one activity: cancel it, redrive it, edit its payload and retry, discard it.

import type { JSX } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import { JsonMistake, parseJsonText, prettyJson } from '../json-text.ts'
import { go, href } from '../navigation.ts'
import { say } from '../notice.ts'
import { detailPath } from '../route.ts'
import { shellLine } from '../shell-text.ts'
import type { ShownActivity } from '../shown-activity.ts'
import { ActDialog } from './act-dialog.tsx'
import { WHAT_DISCARD_DOES } from './bulk-dialog.tsx'
import { CopyLine } from './copy-button.tsx'
import { DiffView } from './diff-view.tsx'

/** Which dialog is open. */
export type OpenDialog = 'cancel' | 'redrive' | 'edit' | 'discard' | null

interface Props {
  readonly open: OpenDialog
  readonly data: ShownActivity
  readonly onClose: () => void
  /** The activity has changed. */
  readonly onDone: () => void
}

/** The dialog that is open, or nothing. */
export function ActivityDialogs(props: Props): JSX.Element | null {
  switch (props.open) {
    case 'cancel':
      return <CancelDialog {...props} />
    case 'redrive':
      return <RedriveDialog {...props} />
    case 'edit':
      return <EditDialog {...props} />
    case 'discard':
      return <DiscardDialog {...props} />
    case null:
      return null
  }
}

const CANCELLED: Readonly<Record<string, string>> = {
  cancelled: 'It is cancelled.',
  cancel_requested: 'It runs, and was asked to end.',
  already_ended: 'It had ended already: nothing was done.',
}

function CancelDialog({ data, onClose, onDone }: Props): JSX.Element {
  const { id, status } = data.activity
  return (
    <ActDialog<{ readonly outcome: string }>
      title="Cancel this activity"
      verb="Cancel it"
      isDanger
      change={{ path: `activities/${encodeURIComponent(id)}/cancel`, members: {} }}
      onClose={onClose}
      onDone={({ outcome }) => {
        say(CANCELLED[outcome] ?? outcome)
        onDone()
      }}
    >
      <p>
        {status === 'running'
          ? 'It runs: its handler is asked to end, and ends when it obeys.'
          : 'It does not run yet, and never will. It can be redriven later.'}
      </p>
      <CopyLine text={shellLine('errand', 'cancel', id)} label="the same as a command line" />
    </ActDialog>
  )
}

function RedriveDialog({ data, onClose, onDone }: Props): JSX.Element {
  const { id } = data.activity
  return (
    <ActDialog<{ readonly id: string }>
      title="Redrive this activity"
      verb="Redrive it"
      change={{ path: `activities/${encodeURIComponent(id)}/redrive`, members: {} }}
      onClose={onClose}
      onDone={answer => {
        onDone()
        say('It runs again, as another activity:', { href: href(detailPath('activities', answer.id)), text: answer.id })
      }}
    >
      <p>
        It is enqueued anew with the same payload, as another activity. This one stays as it is; both name each other.
      </p>
      <CopyLine text={shellLine('errand', 'dlq', 'redrive', id)} label="the same as a command line" />
    </ActDialog>
  )
}

function DiscardDialog({ data, onClose, onDone }: Props): JSX.Element {
  const { id } = data.activity
  return (
    <ActDialog<{ readonly outcome: 'discarded' | 'already' }>
      title="Discard this dead letter"
      verb="Discard it"
      change={{ path: `dead-letters/${encodeURIComponent(id)}/discard`, members: {} }}
      onClose={onClose}
      onDone={({ outcome }) => {
        say(outcome === 'already' ? 'It was discarded before: nothing was done.' : 'It is discarded.')
        onDone()
      }}
    >
      <p>{WHAT_DISCARD_DOES}</p>
      <CopyLine text={shellLine('errand', 'dlq', 'discard', id)} label="the same as a command line" />
    </ActDialog>
  )
}

function EditDialog({ data, onClose, onDone }: Props): JSX.Element {
  const { activity, payload } = data
  const before = useMemo(() => (payload === undefined ? '' : prettyJson(payload)), [payload])
  // What is hidden here must not be written back as if it were the payload.
  const [text, setText] = useState(activity.isRedacted ? '' : before)
  const mistake = useMemo(() => mistakeIn(text), [text])
  const isSame = text === before
  const path = `activities/${encodeURIComponent(activity.id)}/edit-and-redrive`
  return (
    <ActDialog<{ readonly id: string }>
      title="Edit the payload, then retry"
      verb="Retry with this payload"
      isWide
      change={mistake !== null || isSame ? null : { path, members: { payload: text } }}
      onClose={onClose}
      onDone={answer => {
        onDone()
        say('The edited one is enqueued:', { href: href(detailPath('activities', answer.id)), text: answer.id })
        go(href(detailPath('activities', answer.id)))
      }}
    >
      <p>It is enqueued as another activity with this payload. The original stays as it is; both name each other.</p>
      {activity.isRedacted && <p class="warning">Payloads are hidden in part here: write the whole payload.</p>}
      <div class="field">
        <label for="edited">Payload (JSON)</label>
        <textarea
          id="edited"
          data-first
          class="code"
          rows={12}
          spellcheck={false}
          aria-invalid={mistake !== null}
          aria-describedby="edited-mistake"
          value={text}
          onInput={event => setText(event.currentTarget.value)}
        />
        <p id="edited-mistake" class="problem" role="status">
          {mistake}
        </p>
      </div>
      <h3>What changes</h3>
      {mistake === null ? (
        <DiffView before={before} after={text} />
      ) : (
        <p class="muted">It is shown once the text is JSON.</p>
      )}
    </ActDialog>
  )
}

function mistakeIn(text: string): string | null {
  try {
    parseJsonText(text)
    return null
  } catch (error) {
    if (error instanceof JsonMistake) return error.message
    throw error
  }
}
