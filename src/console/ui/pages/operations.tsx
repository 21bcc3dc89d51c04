// Bulk work: what runs, what ran, by whom and why. All who look see the same.

import type { JSX } from 'preact'
import { get } from '../api.ts'
import type { OperationsView, OperationView } from '../api-types.ts'
import { OperationLink } from '../components/links.tsx'
import { operationText } from '../components/operation-view.tsx'
import type { Column } from '../components/row-table.tsx'
import { RowTable } from '../components/row-table.tsx'
import { Empty, Shown, Teach } from '../components/states.tsx'
import { Time } from '../components/time.tsx'
import { useResource } from '../resource.ts'
import { countText } from '../time-text.ts'

const COLUMNS: readonly Column<OperationView>[] = [
  { title: 'Operation', cell: ({ id }) => <OperationLink id={id} isRow /> },
  { title: 'State', cell: ({ state }) => <span class={`badge state-${state}`}>{state}</span> },
  { title: 'What', cell: operationText },
  { title: 'Done', isNumber: true, cell: ({ done }) => countText(done) },
  { title: 'Failed', isNumber: true, cell: ({ failed }) => countText(failed) },
  { title: 'Left', isNumber: true, cell: ({ left }) => (left === null ? '–' : countText(left)) },
  { title: 'By', cell: ({ head }) => head.requestedBy ?? '–' },
  { title: 'Why', cell: ({ head }) => head.reason ?? '–' },
  { title: 'Asked for', cell: ({ requestedAtMs }) => <Time atMs={requestedAtMs} /> },
]

/** The page. */
export function OperationsPage(): JSX.Element {
  const operations = useResource<OperationsView>({
    ...{ key: 'operations', everyMs: 3_000, load: signal => get('operations', {}, signal) },
  })
  return (
    <>
      <h1>Operations</h1>
      <Shown resource={operations} what="operations">
        {({ operations: all, servedBy }) => (
          <>
            {servedBy === 0 && (
              <div class="state trouble">
                <p>
                  <strong>Nobody runs operations: what is asked for waits until a reaper is started.</strong>
                </p>
                <Teach does="A reaper does:" text="errand reaper" />
              </div>
            )}
            {all.length === 0 ? (
              <Empty title="No bulk work in the last seven days">
                <p>
                  Redriving a group of dead letters, or cancelling all that match, is an operation: it runs on the
                  server side.
                </p>
                <Teach does="By the command line:" text="errand dlq redrive --type send-invoice --dry-run" />
              </Empty>
            ) : (
              <RowTable listKey="operations" caption="Operations" items={all} columns={COLUMNS} />
            )}
          </>
        )}
      </Shown>
    </>
  )
}
