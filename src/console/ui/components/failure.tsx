// A failure: what, why, where, and what caused it. Its text came from anywhere and is only ever text.

import type { JSX } from 'preact'
import type { RecordedFailure } from '../../../core/activity.ts'
import { visibleText } from '../visible-text.ts'

/** In one line, for tables. */
export function FailureLine({ error }: { readonly error: RecordedFailure | null }): JSX.Element | null {
  if (error === null) return null
  const text = visibleText(`${error.name}: ${error.message}`)
  return (
    <span class="failure-line" title={text}>
      {text}
    </span>
  )
}

/** The whole, with its causes. */
export function Failure({ error }: { readonly error: RecordedFailure }): JSX.Element {
  return (
    <div class="failure">
      <p>
        <strong>{visibleText(error.name)}</strong>
        {error.code !== undefined && (
          <>
            {' '}
            <code>{visibleText(error.code)}</code>
          </>
        )}
      </p>
      <p class="failure-text">{visibleText(error.message)}</p>
      {error.stack !== undefined && (
        <details>
          <summary>Stack</summary>
          <pre tabIndex={0} aria-label="Stack">
            {visibleText(error.stack)}
          </pre>
        </details>
      )}
      {error.cause !== undefined && (
        <div class="cause">
          <p class="muted">caused by</p>
          <Failure error={error.cause} />
        </div>
      )}
    </div>
  )
}
