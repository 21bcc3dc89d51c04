// One operation: how far it is, what failed (to be copied), and a way to stop it.

import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { get } from '../api.ts'
import type { OperationView } from '../api-types.ts'
import { ActDialog } from '../components/act-dialog.tsx'
import { CopyButton } from '../components/copy-button.tsx'
import { ActivityLink } from '../components/links.tsx'
import { OperationProgressView, operationText } from '../components/operation-view.tsx'
import { Shown } from '../components/states.tsx'
import { Time } from '../components/time.tsx'
import { useShortcuts } from '../keyboard.ts'
import { href } from '../navigation.ts'
import { say } from '../notice.ts'
import { hasEnded } from '../operation-progress.ts'
import { useResource } from '../resource.ts'
import { canAct } from '../session.ts'

/** The page. */
export function OperationPage({ id }: { readonly id: string }): JSX.Element {
  const [isCancelling, setCancelling] = useState(false)
  const path = `operations/${encodeURIComponent(id)}`
  const operation = useResource<OperationView>({
    ...{ key: path, everyMs: 1_000, load: signal => get(path, {}, signal) },
    concerns: event => event.id === id,
  })
  const known = operation.data.value
  const canCancel = canAct.value && known !== null && !hasEnded(known) && known.state !== 'cancelling'
  useShortcuts(canCancel ? [{ key: 'c', does: 'stop it', act: () => setCancelling(true) }] : [])
  return (
    <>
      <p class="crumbs">
        <a href={href('operations')}>Operations</a>
      </p>
      <h1>
        <span class="id">{id}</span>
      </h1>
      <Shown resource={operation} what="the operation">
        {data => (
          <>
            <p class="sentence" role="status">
              <span class={`badge state-${data.state}`}>{data.state}</span> {operationText(data)}
            </p>
            <OperationProgressView operation={data} />
            {data.error !== null && <p class="problem">{data.error}</p>}
            {canCancel && (
              <p class="buttons">
                <button type="button" class="danger" onClick={() => setCancelling(true)}>
                  Stop it…
                </button>
              </p>
            )}
            <Facts operation={data} />
            <Failures operation={data} />
          </>
        )}
      </Shown>
      {isCancelling && (
        <ActDialog<{ readonly outcome: string }>
          title="Stop this operation"
          verb="Stop it"
          isDanger
          change={{ path: `${path}/cancel`, members: {} }}
          onClose={() => setCancelling(false)}
          onDone={() => {
            say('It was asked to stop.')
            operation.refetch()
          }}
        >
          <p>What it has done stays done; the rest is left alone.</p>
        </ActDialog>
      )}
    </>
  )
}

function Facts({ operation }: { readonly operation: OperationView }): JSX.Element {
  const { head, requestedAtMs, startedAtMs, endedAtMs, worker } = operation
  return (
    <dl class="facts">
      {(
        [
          ['By', head.requestedBy ?? '–'],
          ['Why', head.reason ?? '–'],
          ['A second, at most', String(head.ratePerSecond)],
          ['Asked for', <Time atMs={requestedAtMs} />],
          ['Started', <Time atMs={startedAtMs} />],
          ['Ended', <Time atMs={endedAtMs} />],
          ['Runs on', worker ?? '–'],
        ] as const
      ).map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

function Failures({ operation }: { readonly operation: OperationView }): JSX.Element | null {
  const { failures } = operation
  if (failures.length === 0) return null
  const lines = failures.map(failure => `${JSON.stringify(failure)}\n`).join('')
  return (
    <section aria-labelledby="failures">
      <h2 id="failures">What failed</h2>
      <p>
        The latest {failures.length}.{' '}
        <a
          download={`${operation.id}.failures.jsonl`}
          href={`data:application/x-ndjson;charset=utf-8,${encodeURIComponent(lines)}`}
        >
          Download as JSON lines
        </a>{' '}
        <CopyButton text={lines} label="the failures as JSON lines" />
      </p>
      <div class="scroll" tabIndex={0} role="group" aria-label="What failed">
        <table>
          <thead>
            <tr>
              <th scope="col">Activity</th>
              <th scope="col">Why</th>
              <th scope="col">When</th>
            </tr>
          </thead>
          <tbody>
            {failures.map(({ id, code, message, atMs }) => (
              <tr key={id}>
                <td>
                  <ActivityLink id={id} isRow />
                </td>
                <td>
                  <code>{code}</code> {message}
                </td>
                <td>
                  <Time atMs={atMs} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  )
}
