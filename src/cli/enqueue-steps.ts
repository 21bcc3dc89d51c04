// Lines that are to stop at the first that is not accepted: what comes after it must not be sent. What can be told of a line by
// looking at it is told before anything is sent; what only the storage can refuse travels last in its step.

import { fromUnknown } from '../core/errors.ts'
import { newActivity } from '../core/new-activity.ts'
import type { Line, LineItem } from './enqueue-lines.ts'

/** Lines up to the first that is wrong, which becomes one with an error. */
export function upToFirstWrong(batch: readonly Line[], nowMs: number): readonly Line[] {
  const lines: Line[] = []
  for (const line of batch) {
    const looked = lookedAt(line, nowMs)
    lines.push(looked)
    if ('error' in looked) break
  }
  return lines
}

/** The line, or why no activity can be made of it. */
function lookedAt(line: Line, nowMs: number): Line {
  if ('error' in line) return line
  const { type, item } = line
  try {
    newActivity({ ...item.options, type, payload: item.input }, { ids: { next: () => 'only-looked-at' }, nowMs })
    return line
  } catch (error) {
    return { number: line.number, error: fromUnknown(error, 'invalid_argument') }
  }
}

/** Lines in steps that may be sent one after the other: of one type, and none behind one that the storage may refuse. */
export function stepsOf<Item extends LineItem>(lines: readonly Item[]): readonly (readonly Item[])[] {
  const steps: Item[][] = []
  let isOpen = false
  for (const line of lines) {
    const step = steps.at(-1)
    if (step !== undefined && isOpen && step[0]?.type === line.type) step.push(line)
    else steps.push([line])
    isOpen = !mayBeRefused(line)
  }
  return steps
}

/** A key in use is a reason to refuse, where the line says so. */
function mayBeRefused({ item: { options = {} } }: LineItem): boolean {
  return options.onDuplicate === 'no_reuse' || options.onDuplicate === 'allow_reuse_on_failure'
}
