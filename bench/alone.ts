// What is measured of Errand alone: it has aims here, and no peer does the same.

import type { Stack } from '../scripts/stack/stack.ts'
import { measureBacklog } from './backlog.ts'
import type { BenchCommand, Mode } from './command.ts'
import { type Figure, type Summary, summariesOf, valueText } from './figures.ts'
import { openGround } from './ground.ts'
import { measureHeadOfLine } from './head-of-line.ts'
import { measureIdle } from './idle.ts'
import { say } from './say.ts'
import { measureScale } from './scale.ts'
import { measureSoak } from './soak.ts'
import type { ErrandKafkaOptions } from './subjects/errand-kafka.ts'

type Measure = (place: ErrandKafkaOptions) => Promise<readonly Figure[]>

/** Takes the measurements of the mode, each in a namespace of its own. */
export async function measureAlone(command: BenchCommand, stack: Stack): Promise<Summary[]> {
  const figures: Figure[] = []
  for (const measure of measuresOf(command)) {
    await using ground = openGround(stack)
    const taken = await measure(ground)
    for (const { measure: name, value, unit } of taken) say(`${name}: ${valueText(value, unit)}`)
    figures.push(...taken)
  }
  return summariesOf([figures])
}

function measuresOf({ mode, seconds, activities }: BenchCommand): Measure[] {
  const isSmoke = mode === 'smoke'
  const all: Record<'backlog' | 'scale' | 'soak', Measure[]> = {
    backlog: [
      place => measureBacklog(place, { activities: isSmoke ? 2_000 : activities }),
      place => measureHeadOfLine(place, { seconds }),
    ],
    scale: [
      place => measureScale(place, { seconds, workers: isSmoke ? [1, 2] : [1, 2, 4] }),
      place => measureIdle(place, { seconds, types: isSmoke ? [2] : [10, 50] }),
    ],
    soak: [place => measureSoak(place, { seconds })],
  }
  return isSmoke ? [...all.backlog, ...all.scale, ...all.soak] : all[aloneMode(mode)]
}

function aloneMode(mode: Mode): 'backlog' | 'scale' | 'soak' {
  return mode === 'backlog' || mode === 'scale' ? mode : 'soak'
}
