// Several rounds over the same measurements and subjects. Within a round each measurement is taken of one subject after
// the other, so that what is compared was measured within seconds of each other and none has to share the machine; from
// round to round another one begins, so that none always comes after the same one.

import type { Figure } from './figures.ts'
import { valueText } from './figures.ts'
import type { Subject } from './subject.ts'

/** Something that can be measured of any subject. */
export interface Measurement {
  readonly name: string
  /** Its figures, in a lane of its own; none when the subject cannot do it. */
  measure(subject: Subject): Promise<readonly Figure[]>
}

/** Opens the subjects of one round, and closes them. */
export interface RoundSubjects extends AsyncDisposable {
  readonly subjects: readonly Subject[]
}

/** What is run how often. */
export interface RoundsOptions {
  readonly rounds: number
  readonly measurements: readonly Measurement[]
  /** Opens all subjects anew, so that no round finds what an earlier one left. */
  readonly openSubjects: () => Promise<RoundSubjects>
  /** Told of every figure as it comes: a run takes minutes. */
  readonly onFigure: (figure: Figure, round: number) => void
}

/** Runs all rounds. Answers the figures of each, by measurement and then in the order of the subjects. */
export async function measureRounds(options: RoundsOptions): Promise<Figure[][]> {
  const rounds: Figure[][] = []
  for (let round = 0; round < options.rounds; round += 1) rounds.push(await measureRound(options, round))
  return rounds
}

async function measureRound({ measurements, openSubjects, onFigure }: RoundsOptions, round: number): Promise<Figure[]> {
  await using opened = await openSubjects()
  const names = opened.subjects.map(({ name }) => name)
  const figures: Figure[] = []
  for (const measurement of measurements) {
    const ofMeasurement: Figure[] = []
    for (const subject of rotated(opened.subjects, round)) {
      for (const figure of await measurement.measure(subject)) {
        onFigure(figure, round)
        ofMeasurement.push(figure)
      }
    }
    figures.push(...ofMeasurement.toSorted((a, b) => names.indexOf(a.subject) - names.indexOf(b.subject)))
  }
  return figures
}

/** The same in the same order, begun with another one in every round. */
export function rotated<T>(all: readonly T[], by: number): readonly T[] {
  const start = all.length === 0 ? 0 : by % all.length
  return [...all.slice(start), ...all.slice(0, start)]
}

/** One line of progress. */
export function progressText({ subject, measure, value, unit }: Figure, round: number, rounds: number): string {
  return `round ${round + 1} of ${rounds}: ${measure}: ${subject} ${valueText(value, unit)}`
}
