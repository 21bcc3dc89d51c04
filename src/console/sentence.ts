// How an activity stands, in one sentence: "waits for attempt 3 of 5, due in 40 s, after ECONNREFUSED".

import type { RecordedFailure } from '../core/activity.ts'
import type { ActivitySnapshot } from '../storage/storage.ts'

const WORD_CHARS_MAX = 60

/** The sentence, as it is true at `nowMs`. */
export function sentenceOf(activity: ActivitySnapshot, nowMs: number): string {
  const { status, attempt, createdAtMs, scheduledAtMs, startedAtMs, endedAtMs, lastError } = activity
  const after = lastError === null ? '' : `, after ${failureWord(lastError)}`
  const ended = endedAtMs === null ? '' : ` ${ago(nowMs - endedAtMs)}`
  switch (status) {
    case 'pending':
      return `waits in its lane for attempt ${attemptWord(activity)}, enqueued ${ago(nowMs - createdAtMs)}${after}`
    case 'scheduled':
      return `waits for attempt ${attemptWord(activity)}, ${due(scheduledAtMs, nowMs)}${after}`
    case 'running':
      return running(activity, nowMs)
    case 'completed': {
      const took =
        startedAtMs === null || endedAtMs === null ? '' : `, after ${spanWord(endedAtMs - startedAtMs)} of work`
      return `completed on attempt ${attempt}${ended}${took}`
    }
    case 'failed':
      return `failed for good on attempt ${attempt}${ended}${after}`
    case 'dead_letter':
      return `is a dead letter: its attempts were exhausted${ended} (${attemptWord(activity)})${after}`
    case 'cancelled':
      return `was cancelled${ended}`
  }
}

function running(activity: ActivitySnapshot, nowMs: number): string {
  const { currentWorker, startedAtMs, leaseDeadlineMs, cancelRequested } = activity
  const by = currentWorker === null ? '' : ` on ${currentWorker}`
  const since = startedAtMs === null ? '' : ` for ${spanWord(nowMs - startedAtMs)}`
  const isLate = leaseDeadlineMs !== null && leaseDeadlineMs <= nowMs
  const lease = isLate ? '; its lease has run out, and a reaper takes it back' : ''
  return `runs attempt ${attemptWord(activity)}${by}${since}${lease}${cancelRequested ? '; it was asked to end' : ''}`
}

function attemptWord({ attempt, maxAttempts }: ActivitySnapshot): string {
  return maxAttempts === 'unlimited' ? String(attempt) : `${attempt} of ${maxAttempts}`
}

function due(dueAtMs: number | null, nowMs: number): string {
  if (dueAtMs === null) return 'due at a time that is not known'
  return dueAtMs > nowMs
    ? `due in ${spanWord(dueAtMs - nowMs)}`
    : `due for ${spanWord(nowMs - dueAtMs)}: a reaper makes it ready`
}

/** A failure in a word or few: its code, its class when that says something, else how its text begins. */
function failureWord({ name, code, message }: RecordedFailure): string {
  if (code !== undefined && code !== '') return code
  if (name !== 'Error' && name !== 'NonError' && name !== '') return name
  return message.length > WORD_CHARS_MAX ? `${message.slice(0, WORD_CHARS_MAX)}…` : message
}

function ago(ms: number): string {
  return ms < 1_000 ? 'just now' : `${spanWord(ms)} ago`
}

/** Never negative: clocks differ. */
function spanWord(ms: number): string {
  const s = Math.max(0, ms) / 1_000
  if (s < 1) return `${Math.round(s * 1_000)} ms`
  if (s < 120) return `${Math.round(s)} s`
  if (s < 7_200) return `${Math.round(s / 60)} min`
  return s < 172_800 ? `${Math.round(s / 3_600)} h` : `${Math.round(s / 86_400)} d`
}
