// `errand get`: everything known about activities: first how each stands in a sentence, then the details.

import { Client } from '../../client/client.ts'
import type { StoredResult } from '../../core/activity.ts'
import { systemClock } from '../../core/clock.ts'
import { checkId } from '../../core/names.ts'
import type { ActivitySnapshot } from '../../storage/storage.ts'
import { failureText, stateSentence } from '../activity-text.ts'
import type { Invocation } from '../command.ts'
import { defineCommand } from '../command.ts'
import { parseExact } from '../../core/exact-json.ts'
import { EXIT_CODES } from '../exit-codes.ts'
import { endOfSeveral, sayUnknown } from '../looked-up.ts'
import { openStorage } from '../open-storage.ts'
import type { Output } from '../output/output.ts'
import { statusText } from '../output/style.ts'
import { pairsText, plain } from '../output/table.ts'

/** An activity and its result, as they are shown. */
interface Shown {
  readonly snapshot: ActivitySnapshot
  readonly result: StoredResult | null
}

/** The command. */
export const getCommand = defineCommand({
  name: 'get',
  summary: 'everything known about activities',
  description: `How it stands in a sentence, its fields, payload, result, and its last error with the stack of where it happened.`,
  section: 'Activities',
  arguments: [{ name: '<id...>', help: 'ids of activities' }],
  settings: ['servers'],
  hasOutput: true,
  answers: `One id: an activity \`{ id, type, status, priority, attempt, maxAttempts, createdAtMs, …, payload, result }\`, where \`result\` is
\`{ state: "ok" | "err", data, atMs }\` or null. Several: \`{ items: […] }\`.`,
  exits: 'none of them is known: 3; some are not: 6',
  examples: ['errand get 0199f3a2-7c1e-7d4b-9b1a-52f0c0a1b2c3', 'errand get $ID --json | jq .payload'],
  async run(call) {
    const { args, output } = call
    const ids = args.map(id => checkId(id))
    await using storage = await openStorage(call)
    const { inspect } = new Client({ storage })
    const found: Shown[] = []
    for (const id of ids) {
      const snapshot = await inspect.get(id)
      if (snapshot === null) sayUnknown(call, id)
      else found.push({ snapshot, result: await inspect.result(id) })
    }
    await show(output, found, ids.length === 1)
    return endOfSeveral(ids.length, found.length, EXIT_CODES.notFound)
  },
})

async function show(output: Invocation['output'], found: readonly Shown[], isSingle: boolean): Promise<void> {
  const [only] = found
  if (isSingle && only !== undefined) return output.document(jsonOf(only), () => textOf(only, output))
  if (output.format === 'json') return isSingle ? undefined : output.document({ items: found.map(jsonOf) }, () => '')
  for (const each of found) await output.line(jsonOf(each), () => `${textOf(each, output)}\n`)
}

function jsonOf({ snapshot, result }: Shown): unknown {
  const { payloadJson, ...rest } = snapshot
  return {
    ...rest,
    payload: payloadJson === null ? null : parseExact(payloadJson),
    result: result === null ? null : { state: result.state, data: parseExact(result.dataJson), atMs: result.atMs },
  }
}

function textOf({ snapshot, result }: Shown, output: Output): string {
  const { style } = output
  const sentence = `${plain(snapshot.id)} ${stateSentence(snapshot, output, systemClock.nowMs())}.`
  const parts = [style.bold(sentence), pairsText(fieldsOf(snapshot, output), style)]
  if (snapshot.payloadJson === null) parts.push(`${style.dim('payload')}  is not kept any more`)
  else parts.push(`${style.dim('payload')}\n${prettyJson(snapshot.payloadJson)}`)
  if (result?.state === 'ok') parts.push(`${style.dim('result')}\n${prettyJson(result.dataJson)}`)
  // Why one was cancelled stands in the sentence.
  if (snapshot.lastError !== null && snapshot.status !== 'cancelled')
    parts.push(`${style.dim('last error')}\n${style.red(failureText(snapshot.lastError))}`)
  return parts.join('\n\n')
}

function fieldsOf(snapshot: ActivitySnapshot, output: Output): (readonly [string, string | undefined])[] {
  const { style } = output
  const text = (value: string | null): string | undefined => (value === null ? undefined : plain(value))
  const time = (atMs: number | null): string | undefined => (atMs === null ? undefined : output.time(atMs))
  const metadata = Object.entries(snapshot.metadata).map(([name, value]) => plain(`${name}=${value}`))
  const { coordinates, maxAttempts, status } = snapshot
  return [
    ['type', text(snapshot.type)],
    ['status', statusText(status, style)],
    ['priority', snapshot.priority],
    ['attempt', `${snapshot.attempt} of ${maxAttempts}, ${snapshot.retryCount} failed`],
    ['timeout', snapshot.timeoutMs === null ? undefined : `${snapshot.timeoutMs} ms an attempt`],
    ['key', text(snapshot.key)],
    ['created', time(snapshot.createdAtMs)],
    [status === 'scheduled' ? 'due' : 'was due', time(snapshot.scheduledAtMs)],
    ['started', time(snapshot.startedAtMs)],
    ['lease until', time(snapshot.leaseDeadlineMs)],
    ['ended', time(snapshot.endedAtMs)],
    ['worker', text(snapshot.currentWorker ?? snapshot.lastWorker)],
    ['cancel', snapshot.cancelRequested && status === 'running' ? 'asked for' : undefined],
    ['metadata', metadata.length === 0 ? undefined : metadata.join('\n')],
    ['parent', text(snapshot.parentId)],
    ['redrive of', text(snapshot.redriveOf)],
    ['redriven as', text(snapshot.redrivenAs)],
    [
      'in Kafka',
      coordinates === null ? undefined : `${coordinates.topic}/${coordinates.partition}/${coordinates.offset}`,
    ],
  ]
}

/** JSON with indents, every digit kept. */
function prettyJson(text: string): string {
  return plain(JSON.stringify(parseExact(text), null, 2))
}
