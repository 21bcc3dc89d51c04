// Since when an activity could run: what the age of a lane is measured from.

import type { Activity } from './activity.ts'

/** When the attempt became ready: it was due, or was created; not before the attempt before it ended. Ms since the epoch. */
export function readyAtMs(activity: Pick<Activity, 'scheduledAtMs' | 'createdAtMs' | 'failures'>): number {
  const { scheduledAtMs, createdAtMs, failures } = activity
  return Math.max(scheduledAtMs ?? createdAtMs, failures.at(-1)?.atMs ?? 0)
}
