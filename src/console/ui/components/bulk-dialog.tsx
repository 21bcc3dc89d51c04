// Bulk work, before it begins: what it acts on is counted on the server, by the filter and not by the page that is shown; then how
// many at most, how fast, and why. It becomes an operation that everybody sees and can stop.

import type { JSX } from 'preact'
import { useId, useState } from 'preact/hooks'
import { change } from '../api.ts'
import type { OperationKind, OperationPreview, StartedView } from '../api-types.ts'
import { go, href } from '../navigation.ts'
import { newRequestId } from '../request-id.ts'
import { useResource } from '../resource.ts'
import { detailPath } from '../route.ts'
import { say } from '../notice.ts'
import { counted, countText } from '../time-text.ts'
import { ActDialog } from './act-dialog.tsx'
import { FailureLine } from './failure.tsx'
import { ActivityLink } from './links.tsx'
import { Shown } from './states.tsx'

/** What it acts on: as the API takes it. */
export type BulkFilter = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>

/** Bulk work that is asked about. */
export interface AskedBulk {
  readonly kind: OperationKind
  readonly filter: BulkFilter
}

interface Props {
  readonly kind: OperationKind
  readonly filter: BulkFilter
  readonly onClose: () => void
  readonly onStarted: () => void
}

const DEFAULT_RATE = 50
const PATHS: Readonly<Record<OperationKind, string>> = {
  redrive: 'dead-letters/redrive',
  cancel: 'activities/cancel',
  discard: 'dead-letters/discard',
}
/** What bulk work is called where it is asked for. */
export const BULK_VERBS: Readonly<Record<OperationKind, string>> = {
  redrive: 'Redrive',
  cancel: 'Cancel',
  discard: 'Discard',
}
const ALREADY: Readonly<Record<OperationKind, string>> = {
  redrive: 'redriven',
  cancel: 'ended',
  discard: 'redriven or discarded',
}

/** In words. */
export const WHAT_DISCARD_DOES =
  'What is discarded is shown among dead letters only where that is asked for. Its record stays; redriving it undoes that.'

/** The dialog. */
export function BulkDialog({ kind, filter, onClose, onStarted }: Props): JSX.Element {
  const verb = BULK_VERBS[kind]
  const [rate, setRate] = useState(String(DEFAULT_RATE))
  const [max, setMax] = useState('')
  const filterText = JSON.stringify(filter)
  const preview = useResource<OperationPreview>({
    ...{ key: `preview ${kind} ${filterText}`, everyMs: 'never' },
    load: () =>
      change('POST', 'dead-letters/preview', `{"kind":"${kind}","filter":${filterText}}`, newRequestId(Date.now())),
  })
  const found = preview.data.value
  const count = found?.count ?? 0
  const isInRange =
    isWithin(rate, 0.1, 1_000) && (max === '' || (isWithin(max, 1, 10_000_000) && Number.isInteger(Number(max))))
  const members = {
    filter: filterText,
    ratePerSecond: String(Number(rate)),
    ...(max === '' ? {} : { max: String(Number(max)) }),
    // Without it nobody could say what is left.
    ...(found?.isExact === true ? { expected: String(max === '' ? count : Math.min(count, Number(max))) } : {}),
  }
  return (
    <ActDialog<StartedView>
      title={`${verb} activities`}
      verb={found === null ? verb : `${verb} ${atMost(count, max)}${found.isExact ? '' : ' or more'}`}
      isDanger={kind === 'cancel'}
      change={count > 0 && isInRange ? { path: PATHS[kind], members } : null}
      onClose={onClose}
      onDone={({ id, servedBy }) => {
        onStarted()
        const waits = servedBy === 0 ? ' Nobody runs operations now: it waits until a reaper is started.' : ''
        say(`The operation is accepted.${waits}`)
        go(href(detailPath('operations', id)))
      }}
    >
      <Shown resource={preview} what="how many that are">
        {data => <Preview kind={kind} preview={data} />}
      </Shown>
      {kind === 'discard' && <p>{WHAT_DISCARD_DOES}</p>}
      <div class="field-row">
        <NumberField label="A second, at most" value={rate} onInput={setRate} min="0.1" max="1000" />
        <NumberField label="In all, at most (empty: all)" value={max} onInput={setMax} min="1" max="10000000" />
      </div>
    </ActDialog>
  )
}

function Preview({ kind, preview }: { readonly kind: OperationKind; readonly preview: OperationPreview }): JSX.Element {
  const { count, isExact, already, lookedAt, samples } = preview
  return (
    <>
      <p role="status">
        <strong>{`${isExact ? '' : 'At least '}${counted(count, 'activity', 'activities')}`}</strong>
        {count === 1 ? ' matches.' : ' match.'}
        {already > 0 &&
          ` ${counted(already, 'was', 'were')} ${ALREADY[kind]} before, and ${already === 1 ? 'is' : 'are'} left alone.`}
        {!isExact && ` Only the newest ${countText(lookedAt)} were looked at; there may be more.`}
      </p>
      {samples.length > 0 && (
        <ul class="samples">
          {samples.map(({ id, type, error }) => (
            <li key={id}>
              <ActivityLink id={id} /> {type} <FailureLine error={error} />
            </li>
          ))}
        </ul>
      )}
    </>
  )
}

function NumberField(props: {
  readonly label: string
  readonly value: string
  readonly min: string
  readonly max: string
  readonly onInput: (text: string) => void
}): JSX.Element {
  const id = useId()
  return (
    <div class="field">
      <label for={id}>{props.label}</label>
      <input
        id={id}
        type="number"
        step="any"
        {...{ min: props.min, max: props.max, value: props.value }}
        onInput={event => props.onInput(event.currentTarget.value)}
      />
    </div>
  )
}

function atMost(count: number, max: string): string {
  return countText(max === '' ? count : Math.min(count, Number(max)))
}

function isWithin(text: string, min: number, max: number): boolean {
  const value = Number(text)
  return text.trim() !== '' && value >= min && value <= max
}
