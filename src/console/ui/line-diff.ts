// What changed between two texts, line by line: the longest common lines stay, the rest is taken out or put in. Pure.

/** A line of a diff. */
export interface DiffLine {
  readonly change: 'same' | 'out' | 'in'
  readonly text: string
}

/** Lines compared with lines: beyond it, all that differs is shown as taken out and put in. */
const CELLS_MAX = 4_000_000

/** The diff of two texts. */
export function lineDiff(before: string, after: string): DiffLine[] {
  const old = before.split('\n')
  const now = after.split('\n')
  let head = 0
  while (head < old.length && head < now.length && old[head] === now[head]) head += 1
  let tail = 0
  while (tail < Math.min(old.length, now.length) - head && old.at(-1 - tail) === now.at(-1 - tail)) tail += 1
  const middle = changed(old.slice(head, old.length - tail), now.slice(head, now.length - tail))
  return [...marked('same', old.slice(0, head)), ...middle, ...marked('same', old.slice(old.length - tail))]
}

/** The lines around changes: what is further than `around` lines from any is left out, as null. */
export function changedPart(lines: readonly DiffLine[], around: number): (DiffLine | null)[] {
  const isNear = (at: number): boolean =>
    lines.slice(Math.max(0, at - around), at + around + 1).some(({ change }) => change !== 'same')
  const shown: (DiffLine | null)[] = []
  for (const [at, line] of lines.entries()) {
    if (isNear(at)) shown.push(line)
    else if (shown.at(-1) !== null) shown.push(null)
  }
  return shown
}

function changed(old: readonly string[], now: readonly string[]): DiffLine[] {
  if ((old.length + 1) * (now.length + 1) > CELLS_MAX) return [...marked('out', old), ...marked('in', now)]
  const width = now.length + 1
  // common[i * width + j]: the most lines that old from i on and now from j on have in common.
  const common = new Uint32Array((old.length + 1) * width)
  const at = (i: number, j: number): number => common[i * width + j] ?? 0
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = now.length - 1; j >= 0; j--) {
      common[i * width + j] = old[i] === now[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
    }
  }
  const lines: DiffLine[] = []
  let [i, j] = [0, 0]
  while (i < old.length && j < now.length) {
    if (old[i] === now[j]) {
      lines.push({ change: 'same', text: old[i] ?? '' })
      i += 1
      j += 1
    } else if (at(i + 1, j) >= at(i, j + 1)) lines.push({ change: 'out', text: old[i++] ?? '' })
    else lines.push({ change: 'in', text: now[j++] ?? '' })
  }
  return [...lines, ...marked('out', old.slice(i)), ...marked('in', now.slice(j))]
}

function marked(change: DiffLine['change'], lines: readonly string[]): DiffLine[] {
  return lines.map(text => ({ change, text }))
}
