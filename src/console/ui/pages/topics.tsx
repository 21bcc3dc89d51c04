// Topics as a look at the deployment saw them: partitions, how far their groups have come, and settings that are not as wanted.

import type { JSX } from 'preact'
import { get } from '../api.ts'
import type { TopicsPage as TopicsData } from '../api-types.ts'
import { AsOfNote, Empty, Shown, Teach } from '../components/states.tsx'
import { useResource } from '../resource.ts'
import { countText } from '../time-text.ts'

type TopicRow = TopicsData['topics'][number]

/** The page. */
export function TopicsPage(): JSX.Element {
  const topics = useResource<TopicsData>({
    ...{ key: 'topics', everyMs: 15_000, load: signal => get('topics', {}, signal) },
  })
  return (
    <>
      <h1>Topics</h1>
      <Shown resource={topics} what="topics">
        {data => (
          <>
            <AsOfNote trouble={data.trouble} asOfMs={data.asOfMs} />
            {data.isKnown ? <Known data={data} /> : <NotKnown />}
          </>
        )}
      </Shown>
    </>
  )
}

function NotKnown(): JSX.Element {
  return (
    <Empty title="Topics are not known here">
      <p>This storage keeps everything in memory and has none, or nobody gave this console a way to look at them.</p>
      <Teach
        does="A console that looks:"
        text="errand console --brokers localhost:9092 --redis redis://localhost:6379"
      />
      <Teach does="The command line does the same:" text="errand topics plan" />
    </Empty>
  )
}

function Known({ data }: { readonly data: TopicsData }): JSX.Element {
  return (
    <>
      <div class="scroll" tabIndex={0} role="group" aria-label="Topics">
        <table>
          <thead>
            <tr>
              <th scope="col">Topic</th>
              <th scope="col">For</th>
              {['Partitions', 'Lag', 'Finished ahead'].map(title => (
                <th key={title} scope="col" class="number">
                  {title}
                </th>
              ))}
              <th scope="col">Settings that are not as wanted</th>
            </tr>
          </thead>
          <tbody>
            {data.topics.map(topic => (
              <Topic key={topic.topic} topic={topic} />
            ))}
          </tbody>
        </table>
      </div>
      <h2>Consumer groups</h2>
      <div class="scroll" tabIndex={0} role="group" aria-label="Consumer groups">
        <table>
          <thead>
            <tr>
              <th scope="col">Group</th>
              <th scope="col">State</th>
              <th scope="col" class="number">
                Members
              </th>
              <th scope="col">In words</th>
            </tr>
          </thead>
          <tbody>
            {data.groups.map(({ groupId, state, members, isStuck, type }) => (
              <tr key={groupId}>
                <th scope="row">{groupId}</th>
                <td>{state}</td>
                <td class="number">{countText(members)}</td>
                <td>
                  {isStuck ? 'does not move on' : ''}
                  {members === 0 && type !== null ? `nobody subscribes to ${type}` : ''}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  )
}

function Topic({ topic }: { readonly topic: TopicRow }): JSX.Element {
  const { partitions, settings, wanted, isThere } = topic
  const lags = partitions.flatMap(({ lag }) => lag ?? [])
  const ahead = partitions.flatMap(({ finishedAhead }) => finishedAhead ?? [])
  const sum = (values: readonly number[]): string =>
    values.length === 0 ? '–' : countText(values.reduce((a, b) => a + b, 0))
  const wrong = Object.entries(wanted).filter(
    ([name, value]) => settings[name] !== undefined && settings[name] !== value,
  )
  return (
    <tr>
      <th scope="row">
        <details>
          <summary>{topic.topic}</summary>
          <Partitions partitions={partitions} />
        </details>
      </th>
      <td>{topic.role}</td>
      <td class="number">{countText(partitions.length)}</td>
      <td class="number">{sum(lags)}</td>
      <td class="number">{sum(ahead)}</td>
      <td>
        {!isThere && <strong>It is not there: errand topics apply. </strong>}
        {wrong.map(([name, value]) => (
          <div key={name}>
            <code>{`${name}=${settings[name] ?? ''}`}</code>, wanted <code>{value}</code>
          </div>
        ))}
      </td>
    </tr>
  )
}

function Partitions({ partitions }: Pick<TopicRow, 'partitions'>): JSX.Element {
  return (
    <ul class="partitions">
      {partitions.map(
        ({ partition, leader, replicas, inSync, low, high, frontier, lag, finishedAhead, standsStill }) => (
          <li key={partition}>
            {`${partition}: `}
            {frontier === null
              ? `${countText(replicas)} copies`
              : `frontier ${countText(frontier)} of ${countText(low ?? 0)}–${countText(high ?? 0)}, ${countText(lag ?? 0)} unfinished, ${countText(finishedAhead ?? 0)} finished ahead`}
            {inSync < replicas && <strong>{`, only ${inSync} of ${replicas} copies in sync`}</strong>}
            {leader === null && <strong>, without a leader</strong>}
            {standsStill && <strong>, stands still</strong>}
          </li>
        ),
      )}
    </ul>
  )
}
