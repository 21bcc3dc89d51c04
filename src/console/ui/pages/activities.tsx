// Activities: by status and type, a page at a time; or those in which a text was found, with how far it was looked.

import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { Status } from '../../../core/activity.ts'
import { STATUSES } from '../../../core/activity.ts'
import { get } from '../api.ts'
import type { LanesView, OperationKind, Page, StatsView } from '../api-types.ts'
import type { ListedActivity } from '../components/activity-columns.tsx'
import { DISCARDED, activityColumns } from '../components/activity-columns.tsx'
import { BULK_VERBS, BulkDialog } from '../components/bulk-dialog.tsx'
import { Pager, RowTable } from '../components/row-table.tsx'
import { SearchResults } from '../components/search-results.tsx'
import { AsOfNote, Empty, Shown, Teach } from '../components/states.tsx'
import { statusWord } from '../components/status.tsx'
import { useShortcuts } from '../keyboard.ts'
import { filterBy, href } from '../navigation.ts'
import { figuresByType } from '../odd.ts'
import { useResource } from '../resource.ts'
import type { Query } from '../route.ts'
import { canAct } from '../session.ts'
import { counted, countText } from '../time-text.ts'

const PAGE_ITEMS = 50

/** The page. */
export function ActivitiesPage({ query }: { readonly query: Query }): JSX.Element {
  const stats = useResource<StatsView>({
    ...{ key: 'stats', everyMs: 5_000, load: signal => get('stats', {}, signal) },
    concerns: () => true,
  })
  const known = stats.data.value
  const types = known === null ? [] : Object.keys(known.byType).toSorted()
  return (
    <>
      <h1>Activities</h1>
      {known !== null && <AsOfNote trouble={known.trouble} asOfMs={known.asOfMs} />}
      {query.text === undefined ? (
        <>
          <StatusTabs query={query} stats={known} />
          <TypeFilter types={types} type={query.type} />
          <StatusList key={`${query.status} ${query.type} ${query.discarded}`} query={query} />
        </>
      ) : (
        <SearchResults query={query} types={types} />
      )}
    </>
  )
}

/** The status that a query asks for. */
function statusOf({ status }: Query): Status {
  return STATUSES.find(each => each === status) ?? 'pending'
}

function StatusTabs({ query, stats }: { readonly query: Query; readonly stats: StatsView | null }): JSX.Element {
  const counts = query.type === undefined ? stats : (stats?.byType[query.type] ?? null)
  return (
    <nav class="tabs" aria-label="Status">
      <ul>
        {STATUSES.map(status => (
          <li key={status}>
            <a
              href={href('activities', { status, type: query.type })}
              aria-current={status === statusOf(query) ? 'page' : undefined}
            >
              {statusWord(status)} <span class="count">{counts === null ? '' : countText(counts[status])}</span>
            </a>
          </li>
        ))}
      </ul>
    </nav>
  )
}

/** Chooses a type. */
export function TypeFilter({
  types,
  type,
}: {
  readonly types: readonly string[]
  readonly type: string | undefined
}): JSX.Element {
  const all = type === undefined || types.includes(type) ? types : [...types, type]
  return (
    <p class="filters">
      <label>
        Type{' '}
        <select value={type ?? ''} onChange={event => filterBy({ type: event.currentTarget.value || undefined })}>
          <option value="">all</option>
          {all.map(each => (
            <option key={each} value={each}>
              {each}
            </option>
          ))}
        </select>
      </label>
    </p>
  )
}

/** What can be done with all of a status at once. */
const BULK: Readonly<Partial<Record<Status, readonly OperationKind[]>>> = {
  ...{ pending: ['cancel'], scheduled: ['cancel'], running: ['cancel'] },
  ...{ failed: ['redrive'], dead_letter: ['redrive', 'discard'], cancelled: ['redrive'] },
}

function StatusList({ query }: { readonly query: Query }): JSX.Element {
  const status = statusOf(query)
  const { type, cursor } = query
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set())
  const [asked, setAsked] = useState<OperationKind | null>(null)
  const isDead = status === 'dead_letter'
  const isWithDiscarded = isDead && query.discarded === 'shown'
  const listKey = `list ${status} ${type} ${isWithDiscarded} ${cursor}`
  // Dead letters are listed from their own log: it keeps them far longer than anything else is remembered.
  const path = isDead ? 'dead-letters' : 'activities'
  const wanted = isDead ? { includeDiscarded: String(isWithDiscarded) } : { status }
  const page = useResource<Page<ListedActivity>>({
    ...{ key: listKey, everyMs: 10_000 },
    load: signal => get(path, { ...wanted, type, cursor, limit: PAGE_ITEMS }, signal),
    concerns: ({ activityType }) => cursor === undefined && (type === undefined || activityType === type),
  })
  const kinds = (canAct.value ? BULK[status] : undefined) ?? []
  const [kind] = kinds
  useShortcuts(
    kind === undefined
      ? []
      : [{ key: kind === 'cancel' ? 'c' : 'r', does: `${kind} what is selected, or all`, act: () => setAsked(kind) }],
  )
  const columns = isWithDiscarded ? [...activityColumns(status), DISCARDED] : activityColumns(status)
  return (
    <>
      {isDead && <DiscardedToggle isOn={isWithDiscarded} />}
      <Shown resource={page} what="activities">
        {({ items, cursor: next }) =>
          items.length === 0 && cursor === undefined ? (
            <NoActivities status={status} type={type} />
          ) : (
            <>
              {kinds.length > 0 && <BulkButtons kinds={kinds} chosen={ids.size} ask={setAsked} />}
              <RowTable
                {...{ listKey, caption: `Activities that are ${statusWord(status)}`, items, columns }}
                selection={kind === undefined ? undefined : { ids, change: setIds }}
              />
              <Pager cursor={next} isFirst={cursor === undefined} go={to => filterBy({ cursor: to })} />
              {asked !== null && (
                <BulkDialog
                  kind={asked}
                  filter={
                    ids.size > 0 ? { ids: [...ids] } : type === undefined ? { status, all: true } : { status, type }
                  }
                  onClose={() => setAsked(null)}
                  onStarted={() => setIds(new Set())}
                />
              )}
            </>
          )
        }
      </Shown>
    </>
  )
}

function DiscardedToggle({ isOn }: { readonly isOn: boolean }): JSX.Element {
  return (
    <p class="filters">
      <label>
        <input
          type="checkbox"
          checked={isOn}
          onChange={event => filterBy({ discarded: event.currentTarget.checked ? 'shown' : undefined })}
        />{' '}
        Show discarded ones too
      </label>
    </p>
  )
}

function BulkButtons(props: {
  readonly kinds: readonly OperationKind[]
  readonly chosen: number
  readonly ask: (kind: OperationKind) => void
}): JSX.Element {
  const { kinds, chosen, ask } = props
  const what = chosen > 0 ? counted(chosen, 'selected one', 'selected ones') : 'all that match'
  return (
    <p class="bulk">
      {kinds.map(kind => (
        <button key={kind} type="button" onClick={() => ask(kind)}>
          {`${BULK_VERBS[kind]} ${what}…`}
        </button>
      ))}
    </p>
  )
}

function NoActivities({ status, type }: { readonly status: Status; readonly type: string | undefined }): JSX.Element {
  const of = type === undefined ? '' : ` of ${type}`
  return (
    <Empty title={`No activity${of} is ${statusWord(status)}`}>
      {(status === 'pending' || status === 'running') && <Waiting type={type} />}
      {status === 'completed' && <p>What has completed is remembered for an hour, with a result for a day.</p>}
      <Teach
        does="Enqueue one by the command line:"
        text={`errand enqueue ${type ?? 'send-invoice'} '{"orderId":"42"}'`}
      />
      <Teach does="Or by code:" text={`await client.enqueue(sendInvoice, { orderId: '42' })`} />
    </Empty>
  )
}

/** "12 pending, nobody subscribes to send-invoice" */
function Waiting({ type }: { readonly type: string | undefined }): JSX.Element {
  const lanes = useResource<LanesView>({ key: 'lanes', everyMs: 5_000, load: signal => get('lanes', {}, signal) })
  const types = figuresByType(lanes.data.value?.lanes ?? []).filter(each => type === undefined || each.type === type)
  return (
    <ul>
      {types
        .filter(({ consumers }) => consumers === 0)
        .map(({ type: name, pending }) => (
          <li key={name}>{`${countText(pending)} pending, nobody subscribes to ${name}`}</li>
        ))}
    </ul>
  )
}
