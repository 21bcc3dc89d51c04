// `errand result`: the result of an activity, if need be once it has ended. A failed one tells its recorded error on stderr.

import { failedErrorOf } from '../../client/activity-failed-error.ts'
import type { StoredResult } from '../../core/activity.ts'
import { isTerminal } from '../../core/activity.ts'
import { systemClock } from '../../core/clock.ts'
import { ErrandError } from '../../core/errors.ts'
import { LIMITS } from '../../core/limits.ts'
import { checkId } from '../../core/names.ts'
import type { ActivitySnapshot, Storage } from '../../storage/storage.ts'
import { failureText, stateSentence } from '../activity-text.ts'
import type { Invocation } from '../command.ts'
import { defineCommand, usage } from '../command.ts'
import { parseExact } from '../../core/exact-json.ts'
import type { ExitCode } from '../exit-codes.ts'
import { EXIT_CODES } from '../exit-codes.ts'
import { sayUnknown } from '../looked-up.ts'
import { openStorage } from '../open-storage.ts'
import { durationValue } from '../option-values.ts'
import { plain } from '../output/table.ts'

interface Options {
  readonly wait?: boolean
  readonly timeout?: number
}

/** The command. */
export const resultCommand = defineCommand<Options>({
  name: 'result',
  summary: 'the result of an activity, waited for if asked',
  description: `Prints the result's JSON. Waiting is pushed, not polled, and giving it up (Ctrl-C, --timeout) cancels nothing.`,
  section: 'Activities',
  arguments: [{ name: '<id>', help: 'id of an activity' }],
  options: [
    { flags: '--wait', help: 'wait until it has ended' },
    {
      flags: '--timeout <duration>',
      help: 'wait so long at most (no limit)',
      parse: durationValue('--timeout', 1, LIMITS.waitMsMax),
    },
  ],
  settings: ['servers'],
  hasOutput: true,
  answers: 'The result itself, every digit as the handler gave it. Nothing when it failed.',
  exits: `it ended without a result (failed, dead letter, cancelled; the recorded error is on stderr): 1 · unknown, or its result is not kept
any more: 3 · it has not ended, without --wait: 4 · --timeout passed: 124 · Ctrl-C: 130`,
  examples: ['errand result $ID --wait --timeout 60s | jq .receiptId'],
  async run(call, { wait = false, timeout }) {
    if (timeout !== undefined && !wait) throw usage('--timeout is for --wait; give both.', '--timeout')
    const id = checkId(call.args[0])
    await using storage = await openStorage(call)
    const stored = await storage.getResult({ id })
    if (stored !== null) return await show(call, id, await typeOf(storage, id), stored)
    const snapshot = await storage.getActivity({ id })
    if (snapshot === null) sayUnknown(call, id)
    if (snapshot === null) return EXIT_CODES.notFound
    if (isTerminal(snapshot.status)) return await withoutResult(call, storage, snapshot)
    if (wait)
      call.terminal.err(
        `${id} ${stateSentence(snapshot, call.output, systemClock.nowMs())}. Waiting; Ctrl-C gives up.\n`,
      )
    if (wait) return await show(call, id, snapshot.type, await waitFor(call, storage, snapshot, timeout))
    call.terminal.err(
      `${id} ${stateSentence(snapshot, call.output, systemClock.nowMs())}; \`--wait\` waits for its result.\n`,
    )
    return EXIT_CODES.conflict
  },
})

async function waitFor(
  { terminal }: Invocation,
  storage: Storage,
  { id, type }: ActivitySnapshot,
  timeoutMs: number | undefined,
): Promise<StoredResult> {
  const late = new AbortController()
  const cancel = timeoutMs === undefined ? undefined : systemClock.after(timeoutMs, () => late.abort())
  try {
    return await storage.awaitResult({ id, signal: AbortSignal.any([terminal.signal, late.signal]) })
  } catch (error) {
    if (!late.signal.aborted || terminal.signal.aborted) throw error
    throw new ErrandError('timeout', `activity ${id} ('${type}') did not end within ${timeoutMs} ms; it goes on.`, {
      details: { id, type, timeoutMs },
      cause: error,
    })
  } finally {
    cancel?.()
  }
}

async function show(
  { output, terminal }: Invocation,
  id: string,
  type: string,
  stored: StoredResult,
): Promise<ExitCode> {
  if (stored.state === 'ok') {
    const value = parseExact(stored.dataJson)
    await output.document(value, () => plain(JSON.stringify(value, null, 2)))
    return EXIT_CODES.ok
  }
  const error = failedErrorOf({ id, type }, stored)
  terminal.err(`${plain(error.message)}\n${failureText(error.failure)}\n`)
  return EXIT_CODES.failed
}

/** It may have ended just now; else its result was kept for as long as results are. */
async function withoutResult(call: Invocation, storage: Storage, snapshot: ActivitySnapshot): Promise<ExitCode> {
  const { id, type, status } = snapshot
  const stored = await storage.getResult({ id })
  if (stored !== null) return show(call, id, type, stored)
  call.terminal.err(
    `${id} ${stateSentence(snapshot, call.output, systemClock.nowMs())}; its result is not kept any more.\n`,
  )
  return status === 'completed' ? EXIT_CODES.notFound : EXIT_CODES.failed
}

/** For the words of a failure. */
async function typeOf(storage: Storage, id: string): Promise<string> {
  return (await storage.getActivity({ id }))?.type ?? 'unknown'
}
