// What a worker and a reaper that were started by the command line tell: traces and figures by OTLP, as the standard variables
// say, and log lines that lead to the trace.

import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { Client } from '../../src/index.ts'
import { KafkaStorage } from '../../src/storage/kafka/index.ts'
import { echo, flaky } from '../support/cli-handlers.ts'
import { CLI, CliProcess } from '../support/cli-process.ts'
import { dropTopics } from '../support/drop-topics.ts'
import { OtlpReceiver } from '../support/otlp-receiver.ts'
import { runNode } from '../support/run-program.ts'
import { freshNamespace, kafkaBrokers, redisUrl } from '../support/stack.ts'

const HANDLERS = fileURLToPath(new URL('../support/cli-handlers.ts', import.meta.url))
const namespace = freshNamespace()
const SERVICE = ['--namespace', namespace, '--http-port', '0', '--partitions', '2']

afterAll(() => dropTopics(namespace))

test('a worker and a reaper send what they do to a collector', async () => {
  await using receiver = await OtlpReceiver.open()
  await using storage = await KafkaStorage.open({
    namespace,
    brokers: kafkaBrokers(),
    redisUrl: redisUrl(),
    partitions: 2,
  })
  const client = new Client({ storage })
  await using worker = new CliProcess(['worker', '--import', HANDLERS, '--no-reaper', ...SERVICE], {
    env: receiver.environment('shop-worker'),
  })
  await using reaper = new CliProcess(['reaper', ...SERVICE], { env: receiver.environment('shop-reaper') })
  await worker.heard('stderr', /errand-worker runs/)
  await reaper.heard('stderr', /errand-reaper runs/)
  const handle = await client.enqueue(flaky, {})
  await client.enqueue(echo, {}, { delayMs: 3_600_000 })
  await handle.result({ timeoutMs: 20_000 })
  const spans = await receiver.waitFor('both attempts', ({ spans: all }) => {
    const own = all.filter(
      ({ name, attributes }) => name === 'process flaky' && attributes['errand.activity.id'] === handle.id,
    )
    return own.length === 2 && own
  })
  expect(spans.map(({ service, isError }) => [service, isError])).toEqual([
    ['shop-worker', true],
    ['shop-worker', false],
  ])
  await receiver.waitFor('the lanes as the reaper sees them', ({ points }) =>
    points.some(
      ({ service, name, value, attributes }) =>
        service === 'shop-reaper' &&
        name === 'errand.lane.scheduled' &&
        value === 1 &&
        attributes['messaging.destination.template'] === 'echo',
    ),
  )
  const [first] = spans
  const said = await worker.heard('stderr', /\{[^\n]*"activityType":"flaky"[^\n]*\}/)
  const line = JSON.parse(said[0]) as Record<string, unknown>
  expect(line).toMatchObject({ activityId: handle.id, attempt: 1, trace_id: first?.traceId, span_id: first?.spanId })
  const sender = { ...receiver.environment('shop-cli'), ERRAND_NAMESPACE: namespace }
  const { stdout } = await runNode([CLI, 'enqueue', 'echo', '{}', '--json'], { env: sender })
  const { id } = JSON.parse(stdout) as { id: string }
  const story = await receiver.waitFor('the send of the command and its attempt', ({ spans: all }) => {
    const own = all.filter(({ attributes }) => attributes['errand.activity.id'] === id)
    return own.length === 3 && own
  })
  expect(story.map(({ service, name }) => [service, name]).sort()).toEqual([
    ['shop-cli', 'send echo'],
    ['shop-worker', 'process echo'],
    ['shop-worker', 'settle echo'],
  ])
  expect(new Set(story.map(({ traceId }) => traceId)).size).toBe(1)
  for (const service of [worker, reaper]) service.signal('SIGTERM')
  expect([await worker.ended(), await reaper.ended()]).toEqual([0, 0])
})

test('without a collector named nothing is sent, and nobody complains', async () => {
  await using reaper = new CliProcess(['reaper', ...SERVICE])
  const [, address = ''] = await reaper.heard('stderr', /"http":"(http:[^"]+)","message":"errand-reaper runs"/)
  const figures = await (await fetch(`${address}/metrics`)).text()
  expect(figures).toMatch(/errand_lane_pending\{[^}]*messaging_destination_template="echo"[^}]*\} 0/)
  // A command line may hold a password; this one's would be a label of every scrape.
  expect(figures).not.toContain('process_command')
  reaper.signal('SIGTERM')
  expect(await reaper.ended()).toBe(0)
  expect(reaper.stderr).not.toMatch(/ECONNREFUSED|4318/)
})
