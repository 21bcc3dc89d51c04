// The body of a request: bounded while it comes, JSON, and not too deep to be parsed.

import { CONSOLE_LIMITS, LIMITS } from '../core/limits.ts'
import { isDeeperThan } from '../core/json-text.ts'
import { Problem } from './problem.ts'

/** Levels around a payload of the deepest kind. */
const LEVELS_AROUND = 4

/** The body as text and parsed. An empty one is an empty object. Throws 400, 413 or 415. */
export async function readJsonBody(request: Request): Promise<{ readonly text: string; readonly value: unknown }> {
  const type = request.headers.get('content-type') ?? ''
  // A form of somebody else's page can send text/plain, but not this.
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    throw new Problem(415, 'invalid_argument', 'the body must be JSON: content-type: application/json.', {
      field: 'content-type',
    })
  }
  const text = await readText(request)
  if (text.trim() === '') return { text: '{}', value: {} }
  if (isDeeperThan(text, LIMITS.jsonDepthMax + LEVELS_AROUND)) {
    throw new Problem(400, 'invalid_argument', `the body is nested more than ${LIMITS.jsonDepthMax} levels deep.`)
  }
  try {
    return { text, value: JSON.parse(text) }
  } catch {
    throw new Problem(400, 'invalid_argument', 'the body is no JSON.', { field: 'body' })
  }
}

async function readText(request: Request): Promise<string> {
  const { bodyBytesMax } = CONSOLE_LIMITS
  if (Number(request.headers.get('content-length') ?? 0) > bodyBytesMax) throw tooLarge()
  if (request.body === null) return ''
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of request.body as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength
    if (bytes > bodyBytesMax) throw tooLarge()
    chunks.push(chunk)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
  } catch {
    throw new Problem(400, 'invalid_argument', 'the body is not UTF-8.', { field: 'body' })
  }
}

function tooLarge(): Problem {
  return new Problem(413, 'payload_too_large', `the body is over ${CONSOLE_LIMITS.bodyBytesMax} bytes.`, {
    field: 'body',
  })
}
