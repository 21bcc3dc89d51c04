// An activity in words: how it stands in one sentence, its failures, and the columns that several commands show.

import type { RecordedFailure, Status } from '../core/activity.ts'
import type { ActivitySnapshot, ActivitySummary } from '../storage/storage.ts'
import type { Output } from './output/output.ts'
import { statusText } from './output/style.ts'
import type { Column } from './output/table.ts'
import { oneLine, plain } from './output/table.ts'
import { spanText } from './output/time-text.ts'

const WORD_CHARS_MAX = 60

/** How an activity stands, such as `waits for attempt 3 of 5, due in 40s, after ECONNREFUSED`. */
export function stateSentence(snapshot: ActivitySnapshot, output: Pick<Output, 'time'>, nowMs: number): string {
  const time = (atMs: number | null): string => output.time(atMs, nowMs)
  const attempt = attemptText(snapshot)
  switch (snapshot.status) {
    case 'pending':
      return `waits in its lane for attempt ${attempt}, ${ofCreation(snapshot, time)}${afterFailure(snapshot)}`
    case 'scheduled':
      return `waits for attempt ${attempt}, ${dueText(snapshot.scheduledAtMs, time, nowMs)}${afterFailure(snapshot)}`
    case 'running':
      return runningSentence(snapshot, nowMs)
    case 'completed':
      return `completed ${time(snapshot.endedAtMs)}, on attempt ${attempt}${tookText(snapshot)}`
    case 'failed':
      return `failed for good ${time(snapshot.endedAtMs)}, on attempt ${attempt}${afterFailure(snapshot)}`
    case 'dead_letter':
      return `became a dead letter ${time(snapshot.endedAtMs)}, on attempt ${attempt}${afterFailure(snapshot)}${redriven(snapshot)}`
    case 'cancelled':
      return `was cancelled ${time(snapshot.endedAtMs)}${reasonText(snapshot.lastError)}${redriven(snapshot)}`
  }
}

function runningSentence(
  { cancelRequested, currentWorker, leaseDeadlineMs, startedAtMs, ...rest }: ActivitySnapshot,
  nowMs: number,
): string {
  const by = currentWorker === null ? '' : ` on ${oneLine(currentWorker)}`
  const since = startedAtMs === null ? '' : ` for ${spanText(nowMs - startedAtMs)}`
  const asked = cancelRequested ? '; it was asked to end' : ''
  return `runs attempt ${attemptText(rest)}${by}${since}${leaseText(leaseDeadlineMs, nowMs)}${asked}`
}

function leaseText(deadlineMs: number | null, nowMs: number): string {
  if (deadlineMs === null) return ''
  if (deadlineMs > nowMs) return `, its lease lasts ${spanText(deadlineMs - nowMs)} more`
  return `, its lease ran out ${spanText(nowMs - deadlineMs)} ago: a reaper takes it back`
}

/** `2 of 3`, or `2` where there is no end of them. */
export function attemptText({ attempt, maxAttempts }: Pick<ActivitySummary, 'attempt' | 'maxAttempts'>): string {
  return maxAttempts === 'unlimited' ? String(attempt) : `${attempt} of ${maxAttempts}`
}

function ofCreation({ attempt, createdAtMs }: ActivitySnapshot, time: (atMs: number) => string): string {
  return attempt === 1 ? `enqueued ${time(createdAtMs)}` : `its activity enqueued ${time(createdAtMs)}`
}

function dueText(dueAtMs: number | null, time: (atMs: number) => string, nowMs: number): string {
  if (dueAtMs === null) return 'due at a time that is not known'
  return dueAtMs >= nowMs ? `due ${time(dueAtMs)}` : `due since ${time(dueAtMs)}: a reaper makes it ready`
}

function tookText({ startedAtMs, endedAtMs }: ActivitySnapshot): string {
  return startedAtMs === null || endedAtMs === null ? '' : `, after ${spanText(endedAtMs - startedAtMs)} of work`
}

function afterFailure({ lastError }: ActivitySnapshot): string {
  return lastError === null ? '' : `, after ${failureWord(lastError)}`
}

function reasonText(error: RecordedFailure | null): string {
  return error === null || error.message === 'cancelled' ? '' : `: ${oneLine(error.message)}`
}

function redriven({ redrivenAs }: ActivitySnapshot): string {
  return redrivenAs === null ? '' : `; redriven as ${oneLine(redrivenAs)}`
}

/** A failure in a word or few: its code, its class when that says something, else how its text begins. */
export function failureWord({ name, code, message }: RecordedFailure): string {
  if (code !== undefined && code !== '') return oneLine(code)
  if (name !== 'Error' && name !== 'NonError' && name !== '') return oneLine(name)
  const text = oneLine(message)
  return text.length > WORD_CHARS_MAX ? `${text.slice(0, WORD_CHARS_MAX)}…` : text
}

/** A failure with its stack and its causes, as the process that failed would have logged it. */
export function failureText(failure: RecordedFailure): string {
  const { name, message, stack, code, cause } = failure
  const head = `${name}: ${message}${code === undefined ? '' : ` (${code})`}`
  const own = stack === undefined || stack === '' ? head : stack.includes(message) ? stack : `${head}\n${stack}`
  return plain(cause === undefined ? own : `${own}\ncaused by ${failureText(cause)}`)
}

/** The columns of a list of activities. */
export function activityColumns(output: Output): readonly Column<ActivitySummary>[] {
  return [
    { head: 'ID', text: ({ id }) => id },
    { head: 'TYPE', text: ({ type }) => type },
    { head: 'STATUS', text: ({ status }) => status, paint: (text, { status }) => statusPaint(text, status, output) },
    { head: 'PRIORITY', text: ({ priority }) => priority },
    { head: 'ATTEMPT', text: attemptText },
    { head: 'WHEN', text: summary => whenText(summary, output) },
    { head: 'WORKER', text: ({ worker }) => worker ?? '–' },
    { head: 'ERROR', text: ({ error }) => (error === null ? '–' : failureWord(error)) },
  ]
}

function statusPaint(text: string, status: Status, { style }: Output): string {
  return text === status ? statusText(status, style) : text
}

/** What matters of a status: since when it waits, when it is due, since when it runs, when it ended. */
function whenText(summary: ActivitySummary, output: Output): string {
  const { status, createdAtMs, scheduledAtMs, startedAtMs, endedAtMs } = summary
  if (status === 'pending') return `enqueued ${output.time(createdAtMs)}`
  if (status === 'scheduled') return `due ${output.time(scheduledAtMs)}`
  return status === 'running' ? `since ${output.time(startedAtMs)}` : `ended ${output.time(endedAtMs)}`
}
