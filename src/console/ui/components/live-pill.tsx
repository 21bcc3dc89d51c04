// How live the page is, in a word; a click pauses everything, and goes on again.

import type { JSX } from 'preact'
import { isPaused, liveTrouble } from '../live.ts'
import type { LiveState } from '../live-state.ts'
import { liveSinceMs, liveState } from '../live-state.ts'
import { now } from '../now.ts'
import { spanText } from '../time-text.ts'

const WORDS: Readonly<Record<LiveState, string>> = {
  connecting: 'connecting',
  live: 'live',
  reconnecting: 'reconnecting',
  stale: 'stale',
  polling: 'asking now and then',
  paused: 'paused',
}

/** The pill. */
export function LivePill(): JSX.Element {
  const state = liveState.value
  const trouble = liveTrouble.value
  const shown = state === 'live' && trouble !== null ? 'stale' : state
  const tick = now.value // also what is not live grows older
  const since = state === 'stale' && tick > 0 ? ` since ${spanText(Math.max(0, Date.now() - liveSinceMs.value))}` : ''
  return (
    <button
      type="button"
      class={`pill pill-${shown}`}
      aria-pressed={isPaused.value}
      title={trouble ?? (isPaused.value ? 'Go on' : 'Pause: nothing changes until you go on')}
      onClick={() => (isPaused.value = !isPaused.value)}
    >
      <span class="dot" aria-hidden="true" />
      <span class="off-screen">Updates: </span>
      {WORDS[shown]}
      {since}
    </button>
  )
}
