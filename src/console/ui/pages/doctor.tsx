// What is wrong with the deployment, and what to do about it: the same findings as `errand doctor`.

import type { JSX } from 'preact'
import { get } from '../api.ts'
import type { DoctorView } from '../api-types.ts'
import { AsOfNote, Empty, Shown, Teach } from '../components/states.tsx'
import { Time } from '../components/time.tsx'
import { useResource } from '../resource.ts'
import { counted } from '../time-text.ts'

const WORDS = { error: 'Problem', warning: 'Warning', note: 'Note' } as const

/** The page. */
export function DoctorPage(): JSX.Element {
  const doctor = useResource<DoctorView>({
    ...{ key: 'doctor', everyMs: 20_000, load: signal => get('doctor', {}, signal) },
  })
  return (
    <>
      <h1>Doctor</h1>
      <Shown resource={doctor} what="findings">
        {data => (
          <>
            <AsOfNote trouble={data.trouble} asOfMs={data.asOfMs} />
            {data.isAvailable ? <Findings data={data} /> : <NotAvailable />}
          </>
        )}
      </Shown>
    </>
  )
}

function NotAvailable(): JSX.Element {
  return (
    <Empty title="Nobody looks at the deployment here">
      <p>This storage is in memory, or this console was given no way to look at Kafka and Redis.</p>
      <Teach does="The command line does:" text="errand doctor" />
    </Empty>
  )
}

function Findings({ data }: { readonly data: DoctorView }): JSX.Element {
  const { findings, notChecked, asOfMs } = data
  return (
    <>
      <p role="status">
        {findings.length === 0 ? 'Nothing was found' : counted(findings.length, 'finding')}, looked at{' '}
        <Time atMs={asOfMs} />.
      </p>
      <ul class="odd">
        {findings.map(({ id, severity, subject, says, fix }) => (
          <li key={`${id} ${subject}`} class={`odd-${severity}`}>
            <p>
              <strong>{WORDS[severity]}: </strong>
              {says}
            </p>
            <p>{fix}</p>
            <p class="muted">
              <code>{id}</code> {subject}
            </p>
          </li>
        ))}
      </ul>
      {notChecked.length > 0 && (
        <>
          <h2>Not looked at</h2>
          <ul>
            {notChecked.map(({ what, why }) => (
              <li key={what}>{`${what}: ${why}`}</li>
            ))}
          </ul>
        </>
      )}
    </>
  )
}
