// Where a chart has its lines: round for people, and none that nothing can lie on. Pure.

const MINUTE_S = 60
/** A console that has just begun shows this much, instead of one minute from edge to edge. */
const SHOWN_S_MIN = 10 * MINUTE_S

/** Steps between lines of an axis of counts: whole ones. */
export const COUNT_STEPS: readonly number[] = Array.from({ length: 12 }, (_, n) =>
  [1, 2, 5].map(k => k * 10 ** n),
).flat()

/** Steps between lines of an axis of minutes. Unit: s. */
export const TIME_STEPS_S: readonly number[] = [1, 2, 5, 10, 15, 30, 60, 120, 360].map(minutes => minutes * MINUTE_S)

/** From when to when is shown; null: there is nothing yet. Unit: s since the epoch. */
export function shownTimes(minS: number | null, maxS: number | null, nowS: number): [number, number] {
  const end = maxS ?? nowS
  return [Math.min(minS ?? end, end - SHOWN_S_MIN), end]
}
