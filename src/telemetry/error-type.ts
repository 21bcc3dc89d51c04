// `error.type`: what kind of error it was, in few different words. Handlers throw anything, also errors whose code is an id.

import { LIMITS } from '../core/limits.ts'
import type { TracedError } from './telemetry.ts'

/** What the conventions say where there is no better word. */
export const OTHER_ERROR = '_OTHER'

// A name as programs give them (`TypeError`, `ECONNREFUSED`, `P2002`, `42P01`), or a short number (`503`, `-104`, `23505`).
const WORD = /^(?!\d{6})[A-Za-z0-9_][\w.:-]*$/
const SHORT_NUMBER = /^-?\d{1,5}$/
/** Longer ones are ids or sentences more often than kinds. */
const WORD_CHARS_MAX = 64

/** The error's code, else its class, else `_OTHER`. */
export function errorType({ name, code }: Pick<TracedError, 'name' | 'code'>): string {
  if (code !== undefined && isKind(code)) return code
  return isKind(name) ? name : OTHER_ERROR
}

function isKind(text: string): boolean {
  return text.length <= WORD_CHARS_MAX && (WORD.test(text) || SHORT_NUMBER.test(text))
}

/** The words that figures were told so far: more than a bound would make as many time series. */
export class ErrorTypes {
  readonly #known = new Set<string>()

  /** The error's type, or `_OTHER` when too many different ones came before it. */
  of(error: Pick<TracedError, 'name' | 'code'>): string {
    const type = errorType(error)
    if (this.#known.has(type)) return type
    if (this.#known.size >= LIMITS.errorTypesMax) return OTHER_ERROR
    this.#known.add(type)
    return type
  }
}
