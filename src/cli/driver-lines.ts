// JSON lines, in and out: bounded on the way in, and on the way out able to carry a JSON text as it is.

import { ErrandError } from '../core/errors.ts'
import { DRIVER_LIMITS } from '../core/limits.ts'

const NEWLINE = 0x0a
/** A byte order mark stays where it is, and is no JSON. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** One line of input, or why it is none. */
export type Line = { readonly text: string } | { readonly error: ErrandError }

/** Splits bytes into lines. A line that is too long is passed over in constant memory; one that is not UTF-8 is an error. */
export async function* readLines(input: AsyncIterable<Uint8Array>): AsyncGenerator<Line> {
  let parts: Uint8Array[] = []
  let bytes = 0
  const add = (part: Uint8Array): void => {
    bytes += part.length
    if (bytes > DRIVER_LIMITS.lineBytesMax) parts = []
    else parts.push(part)
  }
  const take = (): Line => {
    const line = lineOf(parts, bytes)
    parts = []
    bytes = 0
    return line
  }
  for await (const chunk of input) {
    let from = 0
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      add(chunk.subarray(from, end))
      yield take()
      from = end + 1
    }
    add(chunk.subarray(from))
  }
  if (bytes > 0) yield take()
}

function lineOf(parts: readonly Uint8Array[], bytes: number): Line {
  if (bytes > DRIVER_LIMITS.lineBytesMax) {
    return {
      error: new ErrandError(
        'payload_too_large',
        `the line is ${bytes} bytes; the limit is ${DRIVER_LIMITS.lineBytesMax}.`,
      ),
    }
  }
  try {
    return { text: utf8.decode(Buffer.concat(parts)) }
  } catch (error) {
    return { error: new ErrandError('serialization', 'the line is not UTF-8.', { cause: error }) }
  }
}

/** A JSON text that is written as it is. */
export class RawJson {
  readonly text: string

  constructor(text: string) {
    // Between tokens a line break is space; inside strings JSON has none.
    this.text = text.replaceAll(/[\r\n]/g, ' ')
  }
}

/** A value as one line of JSON; members that are undefined are left out. */
export function lineFor(value: unknown): string {
  if (value instanceof RawJson) return value.text
  if (Array.isArray(value)) return `[${value.map(item => lineFor(item)).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null)
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${lineFor(member)}`).join(',')}}`
}

/** The same JSON without the two separators that are no line breaks to JSON, and are to some that read lines. */
export function oneLine(json: string): string {
  return json.replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')
}
