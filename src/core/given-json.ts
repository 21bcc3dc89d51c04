// JSON texts that a caller hands to a storage ready-made: payloads, results. Written into a record as it is, a text that is no
// JSON would make the whole record unreadable.

import type { StoredResult } from './activity.ts'
import { ErrandError, isErrandError } from './errors.ts'
import type { JsonBounds } from './json-text.ts'
import { checkJsonText } from './json-text.ts'
import { LIMITS } from './limits.ts'
import { checkInteger, describe } from './text.ts'

const RESULT: JsonBounds = { field: 'result', bytesMax: LIMITS.resultBytesMax, code: 'serialization' }

/** Checks a JSON text's size, depth, grammar and Unicode, and gives it back: 0.5 µs for 100 bytes. Throws naming the field. */
export function checkGivenJson(text: unknown, bounds: JsonBounds): string {
  const { field, code = 'invalid_argument' } = bounds
  if (typeof text !== 'string') {
    throw new ErrandError(code, `${field} is ${describe(text)}; it must be JSON text.`, { details: { field } })
  }
  try {
    checkJsonText(text, bounds) // first: what is too deep must not be parsed
    JSON.parse(text)
    return text
  } catch (error) {
    if (isErrandError(error)) throw error
    throw new ErrandError(code, `${field} is no JSON; write it with JSON.stringify.`, {
      details: { field },
      cause: error,
    })
  }
}

/** Checks a result's text; null and undefined count as none. Throws `serialization` or `payload_too_large` naming `result`. */
export function checkResultJson(text: string | null | undefined): string | null {
  if (text === null || text === undefined) return null
  return checkGivenJson(text, RESULT)
}

/**
 * Checks a result that is stored apart from a settlement, and gives it back. Throws `invalid_argument` naming the field, or as
 * {@link checkResultJson} does.
 */
export function checkStoredResult(result: StoredResult): StoredResult {
  if (typeof result !== 'object' || result === null) throw badResult('result', result, 'a state, a text and a time')
  const { state, dataJson, atMs } = result
  if (state !== 'ok' && state !== 'err') throw badResult('result.state', state, "'ok' or 'err'")
  checkGivenJson(dataJson, RESULT)
  checkInteger('result.atMs', atMs, 0, LIMITS.timeMsMax)
  return result
}

function badResult(field: string, value: unknown, allowed: string): ErrandError {
  return new ErrandError('invalid_argument', `${field} is ${describe(value)}; it must be ${allowed}.`, {
    details: { field },
  })
}
