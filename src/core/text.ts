// Text as bytes: lengths, cuts and well-formedness. Lone surrogates all encode to the same bytes, so two keys that
// differ would become one: such text is refused at the doors.

import { ErrandError } from './errors.ts'

const encoder = new TextEncoder()

/** Bytes of the text in UTF-8. */
export function utf8Bytes(text: string): number {
  return Buffer.byteLength(text, 'utf8')
}

/** The text cut to at most so many UTF-8 bytes, at a character, with `…` where something was cut. */
export function clipUtf8(text: string, bytesMax: number): string {
  if (text.length * 3 <= bytesMax || utf8Bytes(text) <= bytesMax) return text
  const room = new Uint8Array(Math.max(0, bytesMax - 3))
  const { read } = encoder.encodeInto(text, room)
  return `${text.slice(0, read)}…`
}

/** Checks a text argument: a well-formed string of at least `bytesMin` (default 1) and at most `bytesMax` UTF-8 bytes. */
export function checkText(field: string, value: unknown, bytesMax: number, bytesMin = 1): string {
  if (typeof value !== 'string') {
    throw new ErrandError('invalid_argument', `${field} is ${describe(value)}; it must be a string.`, {
      details: { field },
    })
  }
  if (!value.isWellFormed()) {
    throw new ErrandError('invalid_argument', `${field} holds a lone surrogate; send well-formed Unicode.`, {
      details: { field },
    })
  }
  const bytes = utf8Bytes(value)
  if (bytes < bytesMin || bytes > bytesMax) {
    throw new ErrandError('invalid_argument', `${field} is ${bytes} bytes; allowed are ${bytesMin} to ${bytesMax}.`, {
      details: { field, received: bytes, min: bytesMin, max: bytesMax },
    })
  }
  return value
}

/** Checks a whole number in a range. Throws `invalid_argument` naming the field. */
export function checkInteger(field: string, value: unknown, min: number, max: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value
  throw new ErrandError(
    'invalid_argument',
    `${field} is ${describe(value)}; it must be a whole number from ${min} to ${max}.`,
    {
      details: { field, received: describe(value), min, max },
    },
  )
}

/** A value in a few words, for messages. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 80))
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value)
  if (typeof value !== 'object') return `a ${typeof value}`
  return isArray(value) ? 'an array' : 'an object'
}

function isArray(value: unknown): boolean {
  try {
    return Array.isArray(value)
  } catch {
    return false // a revoked proxy
  }
}
