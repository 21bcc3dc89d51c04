// Named writes: everything that is written to Kafka or Redis crosses one of these points, so that a test can stop the
// process before it, after it, or when it was carried out and its answer was lost. Free when nobody listens.
//
//   before ──▶ the write ──▶ carried out ──▶ answered ──▶ after
//
// `test/package/crash-points.test.ts` reads the sources and refuses a write that crosses none.

/** Every write to Kafka or Redis, in the order of an activity's life, then the housekeepers'. */
export const CRASH_POINTS = [
  'enqueue.reserved',
  'enqueue.produced',
  'schedule.indexed',
  'enqueue.confirmed',
  'reservation.confirmed',
  'reservation.dropped',
  'claim.leased',
  'claim.returned',
  'done.claimed',
  'done.published',
  'settle.decided',
  'settle.outcome',
  'settle.followed',
  'offsets.committed',
  'rehome.written',
  'rehome.indexed',
  'rehome.looked',
  'rehome.ended',
  'rehome.tombstoned',
  'rehome.forgotten',
  'lease.renewed',
  'release.released',
  'close.released',
  'result.stored',
  'cancel.decided',
  'cancel.published',
  'cancel.tombstoned',
  'redrive.decided',
  'redrive.enqueued',
  'redrive.confirmed',
  'discard.noted',
  'operation.saved',
  'poison.published',
  'schedule.read',
  'schedule.forgotten',
  'schedule.ended',
  'schedule.tombstoned',
  'dispatch.taken',
  'dispatch.readied',
  'dispatch.tombstoned',
  'dispatch.forgotten',
  'sweep.locked',
  'sweep.unlocked',
  'reap.taken',
  'reap.returned',
  'reap.followed',
  'reap.published',
  'reap.settled',
  'trim.deleted',
  'restore.begun',
  'restore.markers',
  'restore.keys',
  'restore.redriven',
  'restore.generation',
  'rebuild.begun',
  'restore.scheduled',
  'rebuild.advanced',
  'rebuild.finished',
] as const
/** One of {@link CRASH_POINTS}. */
export type CrashPoint = (typeof CRASH_POINTS)[number]

/** Which side of the write. `after`: it was answered. */
export type CrashPhase = 'before' | 'after'

/** Is told of every crossing. The write, or what follows it, waits for a promise that it gives. */
export type CrashListener = (point: CrashPoint, phase: CrashPhase) => Promise<void> | undefined

let listener: CrashListener | undefined

/** Makes a write that has a name. One write: between two of them a process can stop. */
export function crossing<T>(point: CrashPoint, write: () => Promise<T>): Promise<T> {
  return listener === undefined ? write() : crossingHeard(point, write)
}

async function crossingHeard<T>(point: CrashPoint, write: () => Promise<T>): Promise<T> {
  const before = listener?.(point, 'before')
  if (before !== undefined) await before
  const answer = await write()
  await listener?.(point, 'after')
  return answer
}

/** Sets who is told of crossings; undefined for nobody. For tests. */
export function onCrossing(listen: CrashListener | undefined): void {
  listener = listen
}
