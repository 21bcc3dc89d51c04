// Named points between two writes. Free when nobody listens; a test's process dies at the one it is told to.

/** Every point at which a test may stop the process, in the order of an activity's life. */
export const CRASH_POINTS = [
  'enqueue.reserved',
  'enqueue.produced',
  'enqueue.confirmed',
  'claim.leased',
  'settle.decided',
  'settle.outcome',
  'settle.published',
  'settle.finished',
  'release.released',
  'cancel.decided',
  'cancel.published',
  'schedule.indexed',
  'dispatch.taken',
  'dispatch.readied',
  'dispatch.tombstoned',
  'reap.taken',
  'reap.published',
  'reap.settled',
  'reservation.produced',
  'redrive.enqueued',
] as const
/** One of {@link CRASH_POINTS}. */
export type CrashPoint = (typeof CRASH_POINTS)[number]

let listener: ((point: CrashPoint) => void) | undefined

/** Marks a point between two writes. */
export function crashPoint(point: CrashPoint): void {
  listener?.(point)
}

/** Sets who is told of crash points; undefined for nobody. For tests. */
export function onCrashPoint(listen: ((point: CrashPoint) => void) | undefined): void {
  listener = listen
}
