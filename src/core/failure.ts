// Anything that a handler can throw, as a bounded, readable record. Handlers throw strings, null, getters that throw and
// chains of ten thousand causes; none of that may harm the worker.

import type { RecordedFailure } from './activity.ts'
import { LIMITS } from './limits.ts'
import { clipUtf8 } from './text.ts'

/** Records anything that was thrown. Never throws. */
export function recordFailure(thrown: unknown): RecordedFailure {
  return record(thrown, LIMITS.failureCausesMax, LIMITS.failureStackBytesMax)
}

function record(thrown: unknown, causesLeft: number, stackBytes: number): RecordedFailure {
  const { name, message, stack, code, cause } = read(thrown)
  return {
    name: clipUtf8(name, LIMITS.failureNameBytesMax),
    message: clipUtf8(message, causesLeft === LIMITS.failureCausesMax ? LIMITS.failureMessageBytesMax : 512),
    ...(stack === undefined || stackBytes === 0 ? {} : { stack: clipUtf8(stack, stackBytes) }),
    ...(code === undefined ? {} : { code: clipUtf8(code, LIMITS.failureNameBytesMax) }),
    // Only the outermost failure keeps its stack: eight of them would not fit beside a payload.
    ...(cause === undefined || causesLeft === 0 ? {} : { cause: record(cause, causesLeft - 1, 0) }),
  }
}

interface Raw {
  name: string
  message: string
  stack?: string | undefined
  code?: string | undefined
  cause?: unknown
}

function read(thrown: unknown): Raw {
  if (typeof thrown !== 'object' || thrown === null) return { name: 'NonError', message: safeText(thrown) }
  const get = (key: string): unknown => {
    try {
      return (thrown as Record<string, unknown>)[key]
    } catch {
      return undefined // a throwing getter says nothing
    }
  }
  const message = get('message')
  const code = get('code')
  const stack = get('stack')
  return {
    name: text(get('name')) ?? 'Error',
    message: text(message) ?? safeText(thrown),
    stack: text(stack),
    code: typeof code === 'number' ? String(code) : text(code),
    cause: get('cause'),
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value.toWellFormed() : undefined
}

function safeText(value: unknown): string {
  try {
    // oxlint-disable-next-line typescript/no-base-to-string -- whatever it says is better than nothing
    return typeof value === 'object' ? (JSON.stringify(value) ?? '{}').toWellFormed() : String(value).toWellFormed()
  } catch {
    return 'a value that cannot be shown'
  }
}

/**
 * What failures of the same kind have in common: class, text without numbers, ids and quoted parts, and the first own
 * stack frames without lines. 16 hex digits.
 */
export function failureFingerprint(failure: RecordedFailure): string {
  const shape = failure.message
    .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/gi, '#')
    .replaceAll(/"[^"]{0,200}"|'[^']{0,200}'|`[^`]{0,200}`/g, '#')
    .replaceAll(/0x[0-9a-f]+|\d+/gi, '#')
  const frames = (failure.stack ?? '')
    .split('\n')
    .filter(line => line.trimStart().startsWith('at ') && !line.includes('node_modules') && !line.includes('node:'))
    .slice(0, 3)
    .map(line => line.replaceAll(/:\d+/g, '').trim())
  return fnv1a64([failure.name, failure.code ?? '', shape, ...frames].join('\n'))
}

// FNV-1a, 64 bits (the offset basis and prime of its authors): spreads well enough to name a group, and needs no import.
function fnv1a64(input: string): string {
  let hash = 0xcbf29ce484222325n
  for (const byte of Buffer.from(input, 'utf8')) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n)
  }
  return hash.toString(16).padStart(16, '0')
}

/** The failure that an expired lease is recorded as. */
export function leaseExpiredFailure(worker: string | null): RecordedFailure {
  return {
    name: 'LeaseExpired',
    message: `the lease expired: ${worker ?? 'the worker'} neither settled nor renewed it in time`,
    code: 'lease_expired',
  }
}

/** The failure that a cancelled activity is recorded with. */
export function cancelledFailure(reason: string | null): RecordedFailure {
  return { name: 'Cancelled', message: reason ?? 'cancelled', code: 'cancelled' }
}
