// One activity: how it stands in a sentence, what can be done, what happened over all attempts, what it carries, where it is.

import type { JSX } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import { isTerminal } from '../../../core/activity.ts'
import { get, getText } from '../api.ts'
import type { ActivityEvent, ActivityView } from '../api-types.ts'
import { failedAttempts } from '../attempts.ts'
import { attemptText } from '../components/activity-columns.tsx'
import { ActivityDialogs } from '../components/activity-dialogs.tsx'
import type { OpenDialog } from '../components/activity-dialogs.tsx'
import { CopyButton, CopyLine } from '../components/copy-button.tsx'
import { Failure } from '../components/failure.tsx'
import { JsonView } from '../components/json-view.tsx'
import { ActivityLink } from '../components/links.tsx'
import { Shown } from '../components/states.tsx'
import { StatusBadge } from '../components/status.tsx'
import { Time } from '../components/time.tsx'
import { Timeline } from '../components/timeline.tsx'
import { memberOf, parseJsonText, prettyJson } from '../json-text.ts'
import { useShortcuts } from '../keyboard.ts'
import { href } from '../navigation.ts'
import { learnTime } from '../now.ts'
import { useResource } from '../resource.ts'
import { detailPath } from '../route.ts'
import { canAct } from '../session.ts'
import { enqueueCode, enqueueLine, shellLine } from '../shell-text.ts'
import { spanText } from '../time-text.ts'
import type { ShownActivity } from '../shown-activity.ts'
import { visibleText } from '../visible-text.ts'

/** The page. */
export function ActivityPage({ id }: { readonly id: string }): JSX.Element {
  const concerns = (event: ActivityEvent): boolean => event.id === id
  const shown = useResource<ShownActivity>({
    ...{ key: `activity ${id}`, everyMs: 5_000, concerns },
    load: async signal => readActivity(await getText(`activities/${encodeURIComponent(id)}`, {}, signal)),
  })
  const events = useResource<{ readonly events: readonly ActivityEvent[] }>({
    ...{ key: `events ${id}`, everyMs: 5_000, concerns },
    load: signal => get(`activities/${encodeURIComponent(id)}/events`, {}, signal),
  })
  const refetch = (): void => {
    shown.refetch()
    events.refetch()
  }
  return (
    <>
      {shown.data.value === null && (
        <h1>
          <span class="id">{id}</span>
        </h1>
      )}
      <Shown resource={shown} what="the activity">
        {data => (
          <>
            <Head data={data} onDone={refetch} />
            <section aria-labelledby="timeline">
              <h2 id="timeline">Timeline</h2>
              <Shown resource={events} what="what happened">
                {({ events: all }) => <Timeline events={all} isOver={isTerminal(data.activity.status)} />}
              </Shown>
            </section>
            <Content data={data} />
            <Facts activity={data.activity} />
            <CopyAs data={data} />
          </>
        )}
      </Shown>
    </>
  )
}

function readActivity(text: string): ShownActivity {
  const node = parseJsonText(text)
  const activity = JSON.parse(text) as ActivityView
  learnTime(activity.nowMs)
  const payload = memberOf(node, 'payload')
  return { activity, payload, result: memberOf(memberOf(node, 'result'), 'data') }
}

/** What can be done: only what the activity's status and our role allow. */
function Head({ data, onDone }: { readonly data: ShownActivity; readonly onDone: () => void }): JSX.Element {
  const { activity } = data
  const [dialog, setDialog] = useState<OpenDialog>(null)
  const { status, redrivenAs, editedAs, cancelRequested, discarded } = activity
  const canCancel = canAct.value && !isTerminal(status) && !cancelRequested
  const wasRedriven = redrivenAs !== null || editedAs !== null
  const canRedrive = canAct.value && isTerminal(status) && status !== 'completed' && !wasRedriven
  const canDiscard = canRedrive && status === 'dead_letter' && discarded === null
  useShortcuts([
    ...(canCancel ? [{ key: 'c', does: 'cancel', act: () => setDialog('cancel') }] : []),
    ...(canRedrive ? [{ key: 'r', does: 'redrive', act: () => setDialog('redrive') }] : []),
    ...(canRedrive ? [{ key: 'e', does: 'edit, then retry', act: () => setDialog('edit') }] : []),
  ])
  return (
    <div class="activity-head">
      <p class="crumbs">
        <a href={href('activities', { status, type: activity.type })}>{activity.type}</a>
      </p>
      <h1>
        <span class="id">{activity.id}</span> <CopyButton text={activity.id} label="the id" />
      </h1>
      <p class="sentence">
        <StatusBadge status={status} /> It {activity.sentence}.
      </p>
      {discarded !== null && (
        <p class="muted">
          Discarded <Time atMs={discarded.atMs} />
          {discarded.reason !== null && `: ${discarded.reason}`}
        </p>
      )}
      <Relations activity={activity} />
      <div class="buttons">
        {canRedrive && (
          <>
            <button type="button" class="primary" onClick={() => setDialog('edit')}>
              Edit, then retry…
            </button>
            <button type="button" onClick={() => setDialog('redrive')}>
              Redrive…
            </button>
          </>
        )}
        {canDiscard && (
          <button type="button" onClick={() => setDialog('discard')}>
            Discard…
          </button>
        )}
        {canCancel && (
          <button type="button" class="danger" onClick={() => setDialog('cancel')}>
            Cancel…
          </button>
        )}
      </div>
      <ActivityDialogs open={dialog} data={data} onClose={() => setDialog(null)} onDone={onDone} />
    </div>
  )
}

function Relations({ activity }: { readonly activity: ActivityView }): JSX.Element | null {
  const { parentId, redriveOf, redrivenAs, editedFrom, editedAs } = activity
  const links = [
    ['enqueued by', parentId],
    ['redrive of', editedFrom === null ? redriveOf : null],
    ['edited from', editedFrom],
    ['redriven as', editedAs === null ? redrivenAs : null],
    ['edited and retried as', editedAs],
  ] as const
  const there = links.flatMap(([label, id]) => (id === null ? [] : [{ label, id }]))
  if (there.length === 0) return null
  return (
    <ul class="relations">
      {there.map(({ label, id }) => (
        <li key={label}>
          {label} <ActivityLink id={id} />
        </li>
      ))}
    </ul>
  )
}

function Content({ data }: { readonly data: ShownActivity }): JSX.Element {
  const { activity, payload, result } = data
  const { lastError, isRedacted, status } = activity
  return (
    <>
      {lastError !== null && (
        <section aria-labelledby="error">
          <h2 id="error">{isTerminal(status) ? 'Error' : 'Latest error'}</h2>
          <Failure error={lastError} />
          {activity.fingerprint !== null && status === 'dead_letter' && (
            <p>
              <a href={href(detailPath('dead-letters', activity.fingerprint), { type: activity.type })}>
                All dead letters with this error
              </a>
            </p>
          )}
        </section>
      )}
      <div class="columns">
        <section aria-labelledby="payload">
          <h2 id="payload">Payload</h2>
          {isRedacted && <p class="muted">Parts of it may be hidden here.</p>}
          {payload === undefined ? (
            <p class="muted">It is not there any more.</p>
          ) : (
            <JsonView node={payload} label="Payload" />
          )}
        </section>
        <section aria-labelledby="result">
          <h2 id="result">Result</h2>
          {activity.result === null || result === undefined ? (
            <p class="muted">
              {isTerminal(status) ? 'There is none, or it is not kept any more.' : 'There is none yet.'}
            </p>
          ) : (
            <JsonView node={result} label="Result" />
          )}
        </section>
      </div>
    </>
  )
}

function Facts({ activity }: { readonly activity: ActivityView }): JSX.Element {
  const { coordinates, traceId, traceUrl, metadata, timeoutMs, leaseDeadlineMs } = activity
  const facts: readonly (readonly [string, JSX.Element | string | null])[] = [
    ['Attempt', attemptText(activity)],
    ['Failed attempts', String(failedAttempts(activity))],
    ['Priority', activity.priority],
    ['Key', activity.key === null ? null : visibleText(activity.key)],
    ['Enqueued', <Time atMs={activity.createdAtMs} />],
    ['Due', activity.scheduledAtMs === null ? null : <Time atMs={activity.scheduledAtMs} />],
    ['Started', activity.startedAtMs === null ? null : <Time atMs={activity.startedAtMs} />],
    ['Ended', activity.endedAtMs === null ? null : <Time atMs={activity.endedAtMs} />],
    ['Timeout of an attempt', timeoutMs === null ? null : spanText(timeoutMs)],
    ['Worker', activity.currentWorker ?? activity.lastWorker],
    ['Lease until', leaseDeadlineMs === null ? null : <Time atMs={leaseDeadlineMs} />],
    [
      'Record',
      coordinates === null ? null : (
        <code>{`${coordinates.topic}/${coordinates.partition}/${coordinates.offset}`}</code>
      ),
    ],
    ['Trace', traceId === null ? null : <Trace id={traceId} url={traceUrl} />],
  ]
  const pairs = Object.entries(metadata)
  return (
    <section aria-labelledby="facts">
      <h2 id="facts">Facts</h2>
      <dl class="facts">
        {facts.map(([name, value]) =>
          value === null ? null : (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
        )}
      </dl>
      <h3>Metadata</h3>
      {pairs.length === 0 ? (
        <p class="muted">None.</p>
      ) : (
        <dl class="facts">
          {pairs.map(([name, value]) => (
            <div key={name}>
              <dt>{visibleText(name)}</dt>
              <dd>{visibleText(value)}</dd>
            </div>
          ))}
        </dl>
      )}
    </section>
  )
}

/** Only addresses of the web: the template is the operator's, and still. */
function Trace({ id, url }: { readonly id: string; readonly url: string | null }): JSX.Element {
  if (url === null || !/^https?:\/\//.test(url)) return <code>{id}</code>
  return (
    <a href={url} target="_blank" rel="noreferrer noopener">
      <code>{id}</code>
    </a>
  )
}

function CopyAs({ data }: { readonly data: ShownActivity }): JSX.Element {
  const { activity, payload } = data
  const again = useMemo(() => {
    const payloadText = payload === undefined ? null : prettyJson(payload).replaceAll(/\n\s*/g, ' ')
    return { type: activity.type, priority: activity.priority, key: null, payloadText }
  }, [activity, payload])
  return (
    <section aria-labelledby="copy">
      <h2 id="copy">By command line and code</h2>
      <details>
        <summary>Look at it, enqueue the same again</summary>
        <CopyLine text={shellLine('errand', 'get', activity.id)} label="a command line that shows it" />
        <CopyLine text={enqueueLine(again)} label="a command line that enqueues the same" />
        <CopyLine text={enqueueCode(again)} label="code that enqueues the same" />
      </details>
    </section>
  )
}
