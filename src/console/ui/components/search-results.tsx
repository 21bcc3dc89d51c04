// A search in payloads, errors, keys and metadata: there is no index, so it reads the newest first, and says how far it looked.

import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { STATUSES } from '../../../core/activity.ts'
import { get } from '../api.ts'
import type { ActivitySummary, SearchPage } from '../api-types.ts'
import { filterBy, href } from '../navigation.ts'
import { now } from '../now.ts'
import { useResource } from '../resource.ts'
import type { Query } from '../route.ts'
import { counted } from '../time-text.ts'
import { FOUND_COLUMNS } from './activity-columns.tsx'
import { RowTable } from './row-table.tsx'
import { Empty, Shown } from './states.tsx'
import { statusWord } from './status.tsx'
import { Time } from './time.tsx'

/** One answer looks at a thousand at most: nothing found, it goes on by itself so many times, and shows how far it is. */
const STEPS_ALONE = 20

const WINDOWS = [
  ['', 'as far as is remembered'],
  ['900000', '15 minutes'],
  ['3600000', 'one hour'],
  ['86400000', 'one day'],
] as const

/** What was found; asked once, not again and again. */
export function SearchResults({
  query,
  types,
}: {
  readonly query: Query
  readonly types: readonly string[]
}): JSX.Element {
  const { text = '', type, status, window: windowMs } = query
  return (
    <>
      <p>
        Activities with <strong>{text}</strong> in their id, key, payload, metadata or error, the newest first.{' '}
        <a href={href('activities', { type, status })}>Back to all</a>
      </p>
      <p class="filters">
        <Choice
          label="Type"
          value={type}
          options={types.map(each => [each, each])}
          onChange={value => filterBy({ type: value })}
        />
        <Choice
          label="Status"
          value={status}
          options={STATUSES.map(each => [each, statusWord(each)])}
          onChange={value => filterBy({ status: value })}
        />
        <label>
          Not older than{' '}
          <select
            value={windowMs ?? ''}
            onChange={event => filterBy({ window: event.currentTarget.value || undefined })}
          >
            {WINDOWS.map(([value, word]) => (
              <option key={value} value={value}>
                {word}
              </option>
            ))}
          </select>
        </label>
      </p>
      <Found key={`${text} ${type} ${status} ${windowMs}`} query={query} />
    </>
  )
}

function Choice(props: {
  readonly label: string
  readonly value: string | undefined
  readonly options: readonly (readonly [string, string])[]
  readonly onChange: (value: string | undefined) => void
}): JSX.Element {
  return (
    <label>
      {props.label}{' '}
      <select value={props.value ?? ''} onChange={event => props.onChange(event.currentTarget.value || undefined)}>
        <option value="">all</option>
        {props.options.map(([value, word]) => (
          <option key={value} value={value}>
            {word}
          </option>
        ))}
      </select>
    </label>
  )
}

/** One step of a search: what came before is kept, so that all that was found is on one page. */
function Found({ query }: { readonly query: Query }): JSX.Element {
  const [before, setBefore] = useState<{
    readonly items: readonly ActivitySummary[]
    readonly lookedAt: number
    readonly steps: number
  }>({
    ...{ items: [], lookedAt: 0, steps: 0 },
  })
  const [cursor, setCursor] = useState<string | null>(null)
  const [fromMs] = useState(() =>
    query.window === undefined ? undefined : Math.round(now.peek() - Number(query.window)),
  )
  const { text, type, status } = query
  const page = useResource<SearchPage>({
    key: `search ${cursor}`,
    everyMs: 'never',
    load: signal => get('activities/search', { text, type, status, fromMs, cursor }, signal),
  })
  const latest = page.data.value
  const goOn = (): void => {
    if (latest === null) return
    const items = [...before.items, ...latest.items]
    setBefore({ items, lookedAt: before.lookedAt + latest.lookedAt, steps: before.steps + 1 })
    setCursor(latest.cursor)
  }
  useEffect(() => {
    const isEmpty = before.items.length === 0 && latest?.items.length === 0
    if (latest !== null && latest.cursor !== null && latest.cursor !== cursor && isEmpty && before.steps < STEPS_ALONE)
      goOn()
  }, [latest])
  if (latest === null && before.steps > 0 && page.problem.value === null) {
    return (
      <p role="status">{`Nothing in the ${counted(before.lookedAt, 'activity', 'activities')} looked at yet; looking on…`}</p>
    )
  }
  return (
    <Shown resource={page} what="what is found">
      {data => {
        const items = [...before.items, ...data.items]
        const lookedAt = before.lookedAt + data.lookedAt
        return (
          <>
            <p role="status">
              {`${counted(items.length, 'match', 'matches')} in the ${counted(lookedAt, 'activity', 'activities')} looked at`}
              {data.fromMs !== null && (
                <>
                  , back to <Time atMs={data.fromMs} />
                </>
              )}
              {data.isComplete ? '. That is all there is.' : '. There is more that was not looked at. '}
              {data.cursor !== null && (
                <button type="button" onClick={goOn}>
                  Go on looking
                </button>
              )}
            </p>
            {items.length === 0 ? (
              data.isComplete && (
                <Empty title="Nothing is found">
                  <p>What has ended is remembered for an hour to a day.</p>
                </Empty>
              )
            ) : (
              <RowTable listKey={`search ${text}`} caption="What was found" items={items} columns={FOUND_COLUMNS} />
            )}
          </>
        )
      }}
    </Shown>
  )
}
