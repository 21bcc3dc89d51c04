// What became of the activities, asked of the storage alone: neither what was enqueued nor what the workers said goes in.

import type { ActivitySummary, Client } from '../../src/index.ts'
import { systemClock, TERMINAL_STATUSES } from '../../src/index.ts'

const PAGE_ITEMS = 200
/** An outcome may be written a moment after it was counted; after a crash another worker writes it again, once it noticed. */
const COMPLETE_MS_MAX = 30_000
const LOOK_AGAIN_MS = 500

/** How every activity ended, by id. Looks again while an expected one is missing, for a limited time. */
export async function readEndings(
  client: Client,
  expectedIds: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<Map<string, ActivitySummary>> {
  const deadlineMs = systemClock.monotonicMs() + COMPLETE_MS_MAX
  for (;;) {
    const endings = await readAll(client)
    const isComplete = [...expectedIds].every(id => endings.has(id))
    if (isComplete || systemClock.monotonicMs() > deadlineMs) return endings
    await systemClock.sleep(LOOK_AGAIN_MS, { signal })
  }
}

async function readAll(client: Client): Promise<Map<string, ActivitySummary>> {
  const endings = new Map<string, ActivitySummary>()
  for (const status of TERMINAL_STATUSES) {
    let cursor: string | null = null
    do {
      const page = await client.inspect.list({ status, cursor, limit: PAGE_ITEMS })
      for (const item of page.items) endings.set(item.id, item)
      cursor = page.cursor
    } while (cursor !== null)
  }
  return endings
}
