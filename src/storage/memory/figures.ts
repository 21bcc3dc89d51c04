// How each lane stands, for gauges. There is no log, so no frontier either.

import { readyAtMs } from '../../core/ready-time.ts'
import { PRIORITIES } from '../../core/priority.ts'
import type { LaneFigures } from '../storage.ts'
import type { Book } from './book.ts'

/** One entry for each known type and priority. */
export function laneFigures(book: Book): LaneFigures[] {
  const since = oldestWaiting(book)
  const types = [...new Set([...book.knownTypes, ...book.counts.types()])].sort()
  return types.flatMap(type =>
    PRIORITIES.map((priority): LaneFigures => {
      const counts = book.counts.of({ type, priority })
      return {
        type,
        priority,
        pending: counts.pending,
        oldestPendingAtMs: since.get(`${type}.${priority}`) ?? null,
        running: counts.running,
        scheduled: counts.scheduled,
        deadLetters: counts.dead_letter,
        finishedAhead: 0,
        frontierStuckMs: 0,
        consumers: book.subscribers.get(type) ?? 0,
      }
    }),
  )
}

/** Since when the oldest of each lane has waited. The order of a lane is that of creation, so all are looked at. */
function oldestWaiting(book: Book): Map<string, number> {
  const since = new Map<string, number>()
  for (const { activity } of book.ofStatus('pending')) {
    const lane = `${activity.type}.${activity.priority}`
    since.set(lane, Math.min(since.get(lane) ?? Number.POSITIVE_INFINITY, readyAtMs(activity)))
  }
  return since
}
