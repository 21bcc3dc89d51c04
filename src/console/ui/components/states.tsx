// What a page shows instead of its content: that it is on its way, that there is nothing and what to do about it, or what went wrong.

import type { ComponentChildren, JSX } from 'preact'
import type { ApiProblem } from '../api.ts'
import { now } from '../now.ts'
import type { Resource } from '../resource.ts'
import { spanText } from '../time-text.ts'
import { CopyLine } from './copy-button.tsx'

/** On its way. */
export function Loading({ what }: { readonly what: string }): JSX.Element {
  return (
    <p class="state loading" role="status">
      Loading {what}…
    </p>
  )
}

/** Nothing is there: what would make it otherwise. */
export function Empty(props: { readonly title: string; readonly children?: ComponentChildren }): JSX.Element {
  return (
    <div class="state empty">
      <h2>{props.title}</h2>
      {props.children}
    </div>
  )
}

/** A line to copy, with what it does. */
export function Teach(props: { readonly does: string; readonly text: string }): JSX.Element {
  return (
    <div class="teach">
      <p>{props.does}</p>
      <CopyLine text={props.text} label={props.does} />
    </div>
  )
}

const HINTS: Readonly<Record<string, string>> = {
  unreachable: 'The console was ended, or the network is away.',
  unavailable: 'Kafka or Redis does not answer, or too many ask at once. What is enqueued meanwhile is not lost.',
  timeout: 'Kafka or Redis answers too late. What is enqueued meanwhile is not lost.',
  unauthorized: 'Sign in again.',
  forbidden: 'Your role does not allow it.',
}

/** What went wrong: since when, which address was tried, and that it heals by itself. */
export function Trouble(props: {
  readonly problem: ApiProblem
  readonly sinceMs: number | null
  readonly hasOldData: boolean
  readonly onRetry?: () => void
}): JSX.Element {
  const { problem, sinceMs, hasOldData, onRetry } = props
  const forText = sinceMs === null ? '' : ` for ${spanText(Math.max(0, now.value - sinceMs))}`
  return (
    <div class="state trouble" role="alert">
      <p>
        <strong>{problem.message}</strong> <code>{problem.code}</code>
      </p>
      {HINTS[problem.code] !== undefined && <p>{HINTS[problem.code]}</p>}
      <p class="muted">
        Tried <code>{problem.address}</code>
        {problem.isFinal
          ? '.'
          : `${forText}. It is tried again by itself${hasOldData ? '; below is what was known before' : ''}.`}
        {onRetry !== undefined && (
          <button type="button" class="quiet" onClick={onRetry}>
            Try now
          </button>
        )}
      </p>
    </div>
  )
}

/** The content once it is there, with what is wrong above it; else why it is not. */
export function Shown<T>(props: {
  readonly resource: Resource<T>
  readonly what: string
  readonly children: (data: T) => ComponentChildren
}): JSX.Element {
  const { resource, what, children } = props
  const problem = resource.problem.value
  const data = resource.data.value
  return (
    <>
      {problem !== null && (
        <Trouble
          problem={problem}
          sinceMs={resource.troubledSinceMs.value}
          hasOldData={data !== null}
          onRetry={() => resource.refetch()}
        />
      )}
      {data === null ? problem === null && <Loading what={what} /> : children(data)}
    </>
  )
}

/** An answer that is older than the question, because a server behind the console is away. */
export function AsOfNote(props: {
  readonly trouble: string | null
  readonly asOfMs: number | null
}): JSX.Element | null {
  const { trouble, asOfMs } = props
  if (trouble === null) return null
  const age = asOfMs === null ? '' : ` What is shown is ${spanText(Math.max(0, now.value - asOfMs))} old.`
  return (
    <div class="state trouble" role="alert">
      <p>
        <strong>{trouble}</strong>
      </p>
      <p class="muted">{`${age} It heals by itself when that is back; what is enqueued meanwhile is not lost.`}</p>
    </div>
  )
}
