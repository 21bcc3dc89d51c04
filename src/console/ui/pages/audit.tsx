// Who did what, when, on what, why, and what came of it.

import type { JSX } from 'preact'
import { get } from '../api.ts'
import type { AuditEntry } from '../api-types.ts'
import { Empty, Shown } from '../components/states.tsx'
import { Time } from '../components/time.tsx'
import { useResource } from '../resource.ts'

/** The page. */
export function AuditPage(): JSX.Element {
  const audit = useResource<{ readonly entries: readonly AuditEntry[] }>({
    ...{ key: 'audit', everyMs: 5_000, load: signal => get('audit', {}, signal) },
  })
  return (
    <>
      <h1>Audit</h1>
      <p class="muted">
        The latest 500 of this process, and the latest 50 that strangers were refused. They are lines of its log, those
        of strangers one a minute; cancels and redrives are also in the records that they wrote.
      </p>
      <Shown resource={audit} what="the audit">
        {({ entries }) =>
          entries.length === 0 ? (
            <Empty title="Nothing was done here since this console was started">
              <p>Each cancel, redrive, edit and sign-in is noted, also those that were refused.</p>
            </Empty>
          ) : (
            <Entries entries={entries} />
          )
        }
      </Shown>
    </>
  )
}

function Entries({ entries }: { readonly entries: readonly AuditEntry[] }): JSX.Element {
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label="What was done">
      <table>
        <thead>
          <tr>
            {['When', 'Who', 'What', 'On what', 'Why', 'Outcome'].map(title => (
              <th key={title} scope="col">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {entries.map(({ id, atMs, who, act, subject, reason, outcome, says }) => (
            <tr key={id}>
              <td>
                <Time atMs={atMs} />
              </td>
              <td>{who}</td>
              <td>{act}</td>
              <td class="wrap">{subject}</td>
              <td class="wrap">{reason ?? '–'}</td>
              <td>
                <span class={`badge outcome-${outcome}`}>{outcome}</span> {says}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
