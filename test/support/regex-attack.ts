// Texts on which a regex that backtracks badly takes long: what it repeats, very often, and then something that it does not
// take. Run as a thread of its own, since a regex that has begun cannot be stopped in any other way.

import { isMainThread, parentPort } from 'node:worker_threads'

/** A regex as it stands in the source. */
export interface RegexSource {
  readonly pattern: string
  readonly flags: string
}

/** What the thread is asked, and what it says. */
export interface AttackQuestion extends RegexSource {
  readonly chars: number
}
/** The longest run of all attacks, and its text's beginning. */
export interface AttackAnswer {
  readonly worstMs: number
  readonly text: string
}

const PUMP_CHARS_MAX = 8

/** The attacks on a regex. */
export function* attacksOn({ pattern }: RegexSource, chars: number): Generator<string> {
  // What stands for itself at the beginning must be there for the rest to be tried at all.
  const literal = /^\^?((?:[\w :@"'-]|\\[./"-])*)/.exec(pattern)?.[1]?.replaceAll('\\', '') ?? ''
  const bare = pattern.replaceAll(/\\[bBdDsSwWnrtuxp]|\{[\d,]*\}|\(\?[:=!<]+/g, '')
  const own = [...new Set(bare)].filter(char => !'^$|()[]{}?*+\\'.includes(char))
  const pool = [...new Set(['a', '0', ' ', '.', ...own])].slice(0, PUMP_CHARS_MAX)
  const pumps = pool.flatMap(first => [first, ...pool.filter(second => second !== first).map(second => first + second)])
  for (const prefix of new Set(['', literal])) {
    for (const pump of pumps) yield `${prefix}${pump.repeat(Math.ceil(chars / pump.length))}\u0000!`
  }
}

/** Enough to tell: what takes longer need not be tried further. */
const ENOUGH_MS = 500

/** Lets a regex go through all attacks. */
export function attack({ pattern, flags, chars }: AttackQuestion): AttackAnswer {
  // With `g` every place of the text is tried, as `replaceAll` does.
  const regex = new RegExp(pattern, flags.includes('g') ? flags : `${flags}g`)
  let worst: AttackAnswer = { worstMs: 0, text: '' }
  for (const text of attacksOn({ pattern, flags }, chars)) {
    const fromMs = performance.now()
    text.replaceAll(regex, '')
    const tookMs = performance.now() - fromMs
    if (tookMs > worst.worstMs) worst = { worstMs: tookMs, text: text.slice(0, 40) }
    if (tookMs > ENOUGH_MS) break
  }
  return worst
}

if (!isMainThread) {
  parentPort?.on('message', (question: AttackQuestion) => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    parentPort?.postMessage(attack(question))
  })
}
