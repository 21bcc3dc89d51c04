// Who holds what: running attempts by worker, the longest first, and who subscribes to which type.

import type { JSX } from 'preact'
import { get } from '../api.ts'
import type { WorkersView } from '../api-types.ts'
import { ActivityLink } from '../components/links.tsx'
import { Empty, Shown, Teach } from '../components/states.tsx'
import { Time } from '../components/time.tsx'
import { now } from '../now.ts'
import { useResource } from '../resource.ts'
import { counted, countText, spanText } from '../time-text.ts'

type WorkerRow = WorkersView['workers'][number]

/** The page. */
export function WorkersPage(): JSX.Element {
  const workers = useResource<WorkersView>({
    ...{ key: 'workers', everyMs: 3_000, load: signal => get('workers', {}, signal) },
    concerns: () => true,
  })
  return (
    <>
      <h1>Workers</h1>
      <Shown resource={workers} what="workers">
        {data => (
          <>
            <Members types={data.types} />
            <h2>Running</h2>
            {data.workers.length === 0 ? (
              <Empty title="Nothing runs now">
                <p>Workers are seen here by what they run; the table above says who is there to take something up.</p>
                <Teach does="Start one:" text="errand worker --import ./worker.ts" />
              </Empty>
            ) : (
              data.workers.map(row => <Worker key={row.worker ?? ''} row={row} />)
            )}
            {!data.isComplete && <p class="muted">More run than were looked at.</p>}
          </>
        )}
      </Shown>
    </>
  )
}

function Members({ types }: Pick<WorkersView, 'types'>): JSX.Element | null {
  if (types.length === 0) return null
  return (
    <>
      <h2>Who subscribes</h2>
      <div class="scroll" tabIndex={0} role="group" aria-label="Who subscribes to which type">
        <table>
          <thead>
            <tr>
              <th scope="col">Type</th>
              {['Consumers', 'Running', 'Pending'].map(title => (
                <th key={title} scope="col" class="number">
                  {title}
                </th>
              ))}
              <th scope="col">In words</th>
            </tr>
          </thead>
          <tbody>
            {types.map(({ type, members, running, pending }) => (
              <tr key={type}>
                <th scope="row">{type}</th>
                <td class="number">{members === null ? '–' : countText(members)}</td>
                <td class="number">{countText(running)}</td>
                <td class="number">{countText(pending)}</td>
                <td>{members === 0 ? `${countText(pending)} pending, nobody subscribes to ${type}` : ''}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  )
}

function Worker({ row }: { readonly row: WorkerRow }): JSX.Element {
  const { worker, running, types, items } = row
  const name = worker ?? 'a worker whose name is not known'
  return (
    <section>
      <h3>
        <span class="id">{name}</span>{' '}
        <span class="muted">
          {`${counted(running, 'attempt')}: ${Object.entries(types)
            .map(([type, count]) => `${countText(count)} ${type}`)
            .join(', ')}`}
        </span>
      </h3>
      <div class="scroll" tabIndex={0} role="group" aria-label={`What ${name} runs`}>
        <table>
          <thead>
            <tr>
              {['Activity', 'Type', 'Attempt', 'Priority', 'Runs for', 'Lease'].map(title => (
                <th key={title} scope="col">
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {items.map(({ id, type, attempt, priority, startedAtMs, leaseDeadlineMs }) => (
              <tr key={id}>
                <td>
                  <ActivityLink id={id} isRow />
                </td>
                <td>{type}</td>
                <td>{attempt}</td>
                <td>{priority}</td>
                <td>{startedAtMs === null ? '–' : spanText(Math.max(0, now.value - startedAtMs))}</td>
                <td>
                  <Time atMs={leaseDeadlineMs} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {running > items.length && <p class="muted">{`and ${countText(running - items.length)} that began later`}</p>}
    </section>
  )
}
