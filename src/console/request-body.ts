// The body of a request: bounded while it comes, JSON, and not too deep to be parsed.

import { CONSOLE_LIMITS, LIMITS } from '../core/limits.ts'
import { isDeeperThan } from '../core/json-text.ts'
import { Problem } from './problem.ts'

/** Levels around a payload of the deepest kind. */
const LEVELS_AROUND = 4

/** Whoever sent a body has gone before it was whole: nobody waits for the answer. */
export class BodyAborted extends Problem {
  constructor() {
    super(400, 'invalid_argument', 'the body ended before it was whole.', { field: 'body' })
  }
}

/** The body as text and parsed. An empty one is an empty object. Throws 400 (also {@link BodyAborted}), 413 or 415. */
export async function readJsonBody(
  request: Request,
  bytesMax: number = CONSOLE_LIMITS.bodyBytesMax,
): Promise<{ readonly text: string; readonly value: unknown }> {
  const type = request.headers.get('content-type') ?? ''
  // A form of somebody else's page can send text/plain, but not this.
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    throw new Problem(415, 'invalid_argument', 'the body must be JSON: content-type: application/json.', {
      field: 'content-type',
    })
  }
  const text = await readText(request, bytesMax)
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

async function readText(request: Request, bytesMax: number): Promise<string> {
  if (Number(request.headers.get('content-length') ?? 0) > bytesMax) throw tooLarge(bytesMax)
  if (request.body === null) return ''
  const bytes = await bytesOf(request.body, bytesMax)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new Problem(400, 'invalid_argument', 'the body is not UTF-8.', { field: 'body' })
  }
}

async function bytesOf(body: NonNullable<Request['body']>, bytesMax: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      bytes += chunk.byteLength
      if (bytes > bytesMax) throw tooLarge(bytesMax)
      chunks.push(chunk)
    }
  } catch (error) {
    throw error instanceof Problem ? error : new BodyAborted()
  }
  return Buffer.concat(chunks)
}

function tooLarge(bytesMax: number): Problem {
  return new Problem(413, 'payload_too_large', `the body is over ${bytesMax} bytes.`, { field: 'body' })
}
