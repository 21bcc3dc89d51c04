// The dead letters of one error. The server lists dead letters by type, so members are picked out of pages as they come, and the page
// says how far it looked.

import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { get } from '../api.ts'
import type { DeadLetterSummary, Page } from '../api-types.ts'
import type { AskedBulk, BulkFilter } from '../components/bulk-dialog.tsx'
import { BULK_VERBS, BulkDialog } from '../components/bulk-dialog.tsx'
import { Failure, FailureLine } from '../components/failure.tsx'
import { ActivityLink } from '../components/links.tsx'
import type { Column } from '../components/row-table.tsx'
import { RowTable } from '../components/row-table.tsx'
import { Empty, Shown } from '../components/states.tsx'
import { Time } from '../components/time.tsx'
import { useShortcuts } from '../keyboard.ts'
import { href } from '../navigation.ts'
import { useResource } from '../resource.ts'
import type { Query } from '../route.ts'
import { canAct } from '../session.ts'
import { counted } from '../time-text.ts'

const PAGE_ITEMS = 200
/** Looked through at one go, for as long as no member is found. */
const PAGES_AT_ONCE = 5
const KINDS = ['redrive', 'discard'] as const

const COLUMNS: readonly Column<DeadLetterSummary>[] = [
  { title: 'Activity', cell: ({ id }) => <ActivityLink id={id} isRow /> },
  { title: 'Type', cell: ({ type }) => type },
  { title: 'Attempts', isNumber: true, cell: ({ attempts }) => attempts },
  { title: 'Failed', cell: ({ failedAtMs }) => <Time atMs={failedAtMs} /> },
  { title: 'Redriven as', cell: ({ redrivenAs }) => (redrivenAs === null ? '–' : <ActivityLink id={redrivenAs} />) },
  { title: 'Error', cell: ({ error }) => <FailureLine error={error} /> },
]

interface Looked {
  readonly items: readonly DeadLetterSummary[]
  readonly lookedAt: number
  readonly cursor: string | null
}

/** The page. */
export function GroupPage({
  fingerprint,
  query,
}: {
  readonly fingerprint: string
  readonly query: Query
}): JSX.Element {
  const { type } = query
  const [before, setBefore] = useState<Looked>({ items: [], lookedAt: 0, cursor: null })
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set())
  const [asked, setAsked] = useState<AskedBulk | null>(null)
  const looked = useResource<Looked>({
    ...{ key: `group ${fingerprint} ${type} ${before.cursor}`, everyMs: 30_000 },
    load: signal => lookOn(fingerprint, type, before, signal),
  })
  const whole: BulkFilter = { fingerprint, ...(type === undefined ? {} : { type }) }
  const ask = (kind: AskedBulk['kind']): void => setAsked({ kind, filter: ids.size > 0 ? { ids: [...ids] } : whole })
  useShortcuts(
    canAct.value ? [{ key: 'r', does: 'redrive the group, or what is selected', act: () => ask('redrive') }] : [],
  )
  return (
    <>
      <p class="crumbs">
        <a href={href('dead-letters', { type })}>Dead letters</a>
      </p>
      <h1>Dead letters of one error</h1>
      <Shown resource={looked} what="the dead letters of this error">
        {data => (
          <>
            {data.items[0] !== undefined && <Failure error={data.items[0].error} />}
            <p class="bulk" role="status">
              {`${counted(data.items.length, 'dead letter')} of this error in the ${counted(data.lookedAt, 'newest one', 'newest')} looked at. `}
              {data.cursor === null ? 'That is all there is. ' : 'Older ones were not looked at. '}
              {data.cursor !== null && (
                <button type="button" onClick={() => setBefore(data)}>
                  Go on looking
                </button>
              )}
              {canAct.value &&
                data.items.length > 0 &&
                KINDS.map(kind => (
                  <button key={kind} type="button" onClick={() => ask(kind)}>
                    {ids.size > 0
                      ? `${BULK_VERBS[kind]} ${counted(ids.size, 'selected one', 'selected ones')}…`
                      : `${BULK_VERBS[kind]} the whole group…`}
                  </button>
                ))}
            </p>
            {data.items.length === 0 && data.cursor === null ? (
              <Empty title="There is none any more">
                <p>Its dead letters are older than the topic keeps them, or the address is wrong.</p>
              </Empty>
            ) : (
              <RowTable
                {...{
                  listKey: `group ${fingerprint}`,
                  caption: 'Dead letters of this error',
                  items: data.items,
                  columns: COLUMNS,
                }}
                selection={canAct.value ? { ids, change: setIds } : undefined}
              />
            )}
          </>
        )}
      </Shown>
      {asked !== null && <BulkDialog {...asked} onClose={() => setAsked(null)} onStarted={() => setIds(new Set())} />}
    </>
  )
}

async function lookOn(
  fingerprint: string,
  type: string | undefined,
  before: Looked,
  signal: AbortSignal,
): Promise<Looked> {
  let { cursor, lookedAt } = before
  const items = new Map(before.items.map(item => [item.id, item]))
  for (let page = 0; page < PAGES_AT_ONCE; page++) {
    const found: Page<DeadLetterSummary> = await get('dead-letters', { type, cursor, limit: PAGE_ITEMS }, signal)
    for (const item of found.items) if (item.fingerprint === fingerprint) items.set(item.id, item)
    lookedAt += found.items.length
    cursor = found.cursor
    if (cursor === null || items.size >= before.items.length + PAGE_ITEMS) break
  }
  return { items: [...items.values()], lookedAt, cursor }
}
