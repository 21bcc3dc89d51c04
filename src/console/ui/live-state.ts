// How the live stream stands, and since when: tries that fail one after the other are one absence.

import { signal } from '@preact/signals'

/** How the stream stands. */
export type LiveState = 'connecting' | 'live' | 'reconnecting' | 'stale' | 'polling' | 'paused'

/** How it stands now. */
export const liveState = signal<LiveState>('connecting')
/** Since when it stands so; of what is stale: since when it is not live. */
export const liveSinceMs = signal(Date.now())

const STALE_AFTER_MS = 15_000
let staleTimer: ReturnType<typeof setTimeout> | undefined

/** Notes how it stands. Each failed try says `reconnecting` again: the first one counts. */
export function become(state: LiveState): void {
  const before = liveState.peek()
  if (state === 'reconnecting' && (before === 'reconnecting' || before === 'stale')) return
  if (before !== state) liveSinceMs.value = Date.now()
  liveState.value = state
  clearTimeout(staleTimer)
  if (state === 'reconnecting') staleTimer = setTimeout(() => (liveState.value = 'stale'), STALE_AFTER_MS)
}
