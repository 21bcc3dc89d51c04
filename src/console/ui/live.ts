// The live stream: one EventSource for the whole page. Pages listen for what concerns them and ask the server anew: nothing is
// counted here, so that every number shown is one that the server said.
//
//   live ⇄ reconnecting ─ 15 s ─▶ stale        paused: nothing is asked for, by wish        resting: the tab is hidden

import { effect, signal } from '@preact/signals'
import type { ActivityEvent } from '../../storage/storage.ts'
import { apiAddress } from './api.ts'
import type { LiveState } from './live-state.ts'
import { become } from './live-state.ts'

/** What is wrong at the source of events, as the server says. */
export const liveTrouble = signal<string | null>(null)
/** Nobody wants anything to change under the eyes. */
export const isPaused = signal(false)
/** The tab is hidden. */
export const isHidden = signal(document.hidden)

/** `null`: something was missed; ask anew. */
type Listener = (event: ActivityEvent | null) => void

const REOPEN_AFTER_MS = 30_000
const listeners = new Set<Listener>()
let source: EventSource | null = null
let lastEventId: string | null = null
let reopenTimer: ReturnType<typeof setTimeout> | undefined

/** Listens until the returned function is called. */
export function onLive(listener: Listener): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** Opens the stream, and follows pause and hiding. Called once somebody is known to be allowed. */
export function startLive(): () => void {
  const onVisibility = (): void => {
    isHidden.value = document.hidden
  }
  document.addEventListener('visibilitychange', onVisibility)
  const stop = effect(() => {
    const rests = isPaused.value || isHidden.value
    if (rests) close(isPaused.value ? 'paused' : 'connecting')
    else open()
  })
  return () => {
    stop()
    document.removeEventListener('visibilitychange', onVisibility)
    close('connecting')
  }
}

function open(): void {
  close('connecting')
  const opened = new EventSource(apiAddress('stream', { after: lastEventId }))
  source = opened
  opened.addEventListener('hello', event => {
    const { trouble } = JSON.parse(event.data as string) as { trouble: string | null }
    liveTrouble.value = trouble
    become('live')
    tell(null) // what happened before we listened is in nobody's list
  })
  opened.addEventListener('activity', event => {
    lastEventId = event.lastEventId
    tell(JSON.parse(event.data as string) as ActivityEvent)
  })
  opened.addEventListener('gap', event => {
    lastEventId = event.lastEventId
    tell(null)
  })
  opened.addEventListener('source', event => {
    liveTrouble.value = (JSON.parse(event.data as string) as { trouble: string | null }).trouble
  })
  opened.addEventListener('error', () => onError(opened))
}

/** The browser connects again by itself, unless it was refused: there are too many streams. */
function onError(failed: EventSource): void {
  if (failed !== source) return
  if (failed.readyState !== EventSource.CLOSED) return become('reconnecting')
  failed.close()
  become('polling')
  clearTimeout(reopenTimer)
  reopenTimer = setTimeout(open, REOPEN_AFTER_MS)
}

function close(state: LiveState): void {
  source?.close()
  source = null
  clearTimeout(reopenTimer)
  become(state)
}

function tell(event: ActivityEvent | null): void {
  for (const listener of [...listeners]) listener(event)
}
