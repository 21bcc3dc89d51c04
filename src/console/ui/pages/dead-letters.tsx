// Dead letters by what went wrong: the largest group first, with the error, how many, since when, and a way to act on all of one.

import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { get } from '../api.ts'
import type { DeadLetterGroup, DeadLetterGroups, StatsView } from '../api-types.ts'
import type { AskedBulk, BulkFilter } from '../components/bulk-dialog.tsx'
import { BulkDialog } from '../components/bulk-dialog.tsx'
import { CopyButton } from '../components/copy-button.tsx'
import { ActivityLink } from '../components/links.tsx'
import { Empty, Shown } from '../components/states.tsx'
import { Time } from '../components/time.tsx'
import { useShortcuts } from '../keyboard.ts'
import { href } from '../navigation.ts'
import { useResource } from '../resource.ts'
import type { Query } from '../route.ts'
import { detailPath } from '../route.ts'
import { canAct } from '../session.ts'
import { shellLine } from '../shell-text.ts'
import { counted, countText } from '../time-text.ts'
import { TypeFilter } from './activities.tsx'

/** The page. */
export function DeadLettersPage({ query }: { readonly query: Query }): JSX.Element {
  const { type } = query
  const [asked, setAsked] = useState<AskedBulk | null>(null)
  const groups = useResource<DeadLetterGroups>({
    ...{ key: `groups ${type}`, everyMs: 15_000, load: signal => get('dead-letters/groups', { type }, signal) },
    concerns: event => event.type === 'dead_letter' && (type === undefined || event.activityType === type),
  })
  const stats = useResource<StatsView>({ key: 'stats', everyMs: 30_000, load: signal => get('stats', {}, signal) })
  const all: BulkFilter = type === undefined ? { all: true } : { type }
  useShortcuts(
    canAct.value
      ? [{ key: 'r', does: 'redrive all that match', act: () => setAsked({ kind: 'redrive', filter: all }) }]
      : [],
  )
  return (
    <>
      <h1>Dead letters</h1>
      <TypeFilter types={Object.keys(stats.data.value?.byType ?? {}).toSorted()} type={type} />
      <Shown resource={groups} what="dead letters by error">
        {data =>
          data.groups.length === 0 ? (
            <NoDeadLetters type={type} />
          ) : (
            <>
              <p class="bulk">
                <LookedAt data={data} />
                {canAct.value && (
                  <>
                    <button type="button" onClick={() => setAsked({ kind: 'redrive', filter: all })}>
                      {type === undefined ? 'Redrive all…' : `Redrive all of ${type}…`}
                    </button>
                    <button type="button" onClick={() => setAsked({ kind: 'discard', filter: all })}>
                      {type === undefined ? 'Discard all…' : `Discard all of ${type}…`}
                    </button>
                  </>
                )}
                <a href={href('activities', { status: 'dead_letter', type })}>One by one</a>
              </p>
              <ul class="groups">
                {data.groups.map(group => (
                  <Group
                    key={group.fingerprint}
                    {...{ group, type }}
                    ask={kind =>
                      setAsked({
                        kind,
                        filter: { fingerprint: group.fingerprint, ...(type === undefined ? {} : { type }) },
                      })
                    }
                  />
                ))}
              </ul>
            </>
          )
        }
      </Shown>
      {asked !== null && <BulkDialog {...asked} onClose={() => setAsked(null)} onStarted={() => groups.refetch()} />}
    </>
  )
}

function NoDeadLetters({ type }: { readonly type: string | undefined }): JSX.Element {
  return (
    <Empty title={type === undefined ? 'There are no dead letters' : `There are no dead letters of ${type}`}>
      <p>
        An activity whose attempts are exhausted comes here, with its error and payload, and stays for 30 days unless
        that is set otherwise. Nothing is to be done.
      </p>
    </Empty>
  )
}

function LookedAt({ data }: { readonly data: DeadLetterGroups }): JSX.Element {
  const groups = counted(data.groups.length, 'group')
  const looked = data.isComplete
    ? `of ${counted(data.lookedAt, 'dead letter')}: all there are`
    : `of the newest ${countText(data.lookedAt)} dead letters; older ones are in no group here`
  return <span role="status">{`${groups} ${looked}. `}</span>
}

function Group(props: {
  readonly group: DeadLetterGroup
  readonly type: string | undefined
  readonly ask: (kind: AskedBulk['kind']) => void
}): JSX.Element {
  const { group, type, ask } = props
  const { fingerprint, count, redriven, types, error, sampleIds } = group
  const command = shellLine('errand', 'dlq', 'redrive', '--fingerprint', fingerprint)
  return (
    <li class="group">
      <h2>
        <a class="row-link" href={href(detailPath('dead-letters', fingerprint), { type })}>
          {error.name}: {error.message}
        </a>
      </h2>
      <p>
        <strong>{counted(count, 'dead letter')}</strong>
        {redriven > 0 && `, ${countText(redriven)} of them redriven`} · {types.join(', ')} · first{' '}
        <Time atMs={group.firstFailedAtMs} />, last <Time atMs={group.lastFailedAtMs} />
      </p>
      <p class="samples-line">
        Samples:{' '}
        {sampleIds.map(id => (
          <ActivityLink key={id} id={id} />
        ))}
      </p>
      <p class="buttons">
        {canAct.value && count > redriven && (
          <>
            <button type="button" onClick={() => ask('redrive')}>
              Redrive this group…
            </button>
            <button type="button" onClick={() => ask('discard')}>
              Discard this group…
            </button>
          </>
        )}
        <CopyButton text={command} label="as command line" isNamed />
      </p>
    </li>
  )
}
