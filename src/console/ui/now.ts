// The time by the server's clock, as a signal that ticks once a second while somebody looks: relative times stay true without
// asking, and a machine whose own clock is wrong shows no nonsense.

import { signal } from '@preact/signals'

let aheadMs = 0

/** Now, by the server's clock. */
export const now = signal(Date.now())

/** Learns what time it is at the server. */
export function learnTime(serverNowMs: number): void {
  aheadMs = serverNowMs - Date.now()
  now.value = serverNowMs
}

/** Begins to tick. Called once. */
export function startTicking(): void {
  setInterval(() => {
    if (!document.hidden) now.value = Date.now() + aheadMs
  }, 1_000)
}
