// From a record's bytes to its fields: what all record kinds have in common. In this order, since each step protects the
// next: not empty, UTF-8 without a byte order mark, not too deep, JSON, an object, a version that we know.
// One member of each record (the payload, the result) is never made a value: its text is cut out and carried as it is.

import type { z } from 'zod'

import { ErrandError } from '../core/errors.ts'
import { hasLoneSurrogate, isDeeperThan, memberText, memberTexts } from '../core/json-text.ts'
import { LIMITS } from '../core/limits.ts'
import { utf8Bytes } from '../core/text.ts'

/** The version that records are written with, and the only one that is read. */
export const WIRE_VERSION = 1

/** Why a record is none of ours: `details.reason` of the `serialization` error. */
export type PoisonReason = 'empty' | 'not_utf8' | 'not_json' | 'too_deep' | 'unknown_version' | 'invalid'

/** A record's value as Kafka (bytes) or Redis (text) gives it. */
export type RecordValue = Uint8Array | string | null

/** A record taken apart: its fields, and the text of the member that is carried untouched, when it has that. */
export interface RecordParts {
  readonly fields: Readonly<Record<string, unknown>>
  readonly carriedJson: string | undefined
  /** The text in which the fields stand: the record, or as much of it as does not carry. */
  readonly fieldsText: string
  /** The whole record. */
  readonly text: string
}

/** What a record is called in messages, and which of its members is carried as text. */
export interface RecordKind {
  readonly name: string
  readonly carried: string
  readonly carriedBytesMax: number
  /** Levels of the whole record. */
  readonly depthMax: number
}

/** The payload's levels and two more: the record's own, and one for what other producers add. */
export const ACTIVITY_DEPTH_MAX: number = LIMITS.jsonDepthMax + 2

const BYTE_ORDER_MARK = '\uFEFF'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Takes a record apart. Throws `serialization` with `details.reason`. */
export function readRecord(kind: RecordKind, value: RecordValue): RecordParts {
  const text = recordText(kind, value)
  if (isDeeperThan(text, kind.depthMax)) throw tooDeep(kind)
  const parts = splitAtLast(text, kind.carried) ?? splitAnywhere(kind, text)
  if (parts.carriedJson !== undefined) checkCarried(kind, parts.carriedJson)
  return parts
}

/** The text of the carried member, for kinds that cannot be without. Throws `serialization` (`invalid`). */
export function carriedJsonOf(kind: RecordKind, parts: RecordParts): string {
  if (parts.carriedJson !== undefined) return parts.carriedJson
  throw poison(kind, 'invalid', `is not valid: ${kind.carried}: is missing`)
}

/**
 * The members that are not among the known ones, as JSON text without braces; undefined when there are none. Throws
 * `serialization` (`invalid`) when they are more than may travel on.
 */
export function extraJsonOf(kind: RecordKind, parts: RecordParts, known: ReadonlySet<string>): string | undefined {
  const names = Object.keys(parts.fields).filter(name => !known.has(name))
  if (names.length === 0) return undefined
  if (names.length > LIMITS.extraFieldsMax) {
    throw poison(
      kind,
      'invalid',
      `has ${names.length} fields that are not known; at most ${LIMITS.extraFieldsMax} are let through`,
    )
  }
  const texts = memberTexts(parts.fieldsText, new Set(names))
  const json = [...texts].map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')
  if (utf8Bytes(json) <= LIMITS.extraBytesMax) return json
  throw poison(kind, 'invalid', `has more than ${LIMITS.extraBytesMax} bytes of fields that are not known`)
}

/** The error for a record that is none of ours. */
export function poison(kind: RecordKind, reason: PoisonReason, text: string, cause?: unknown): ErrandError {
  return new ErrandError('serialization', `the ${kind.name} ${text}`, { details: { reason, record: kind.name }, cause })
}

/** The fields by their schema. Throws `serialization` (`invalid`) naming the paths. */
export function parseFields<T>(kind: RecordKind, schema: z.ZodType<T>, fields: unknown): T {
  const parsed = schema.safeParse(fields)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.slice(0, 5).map(issue => `${issue.path.join('.')}: ${issue.message}`)
  throw poison(kind, 'invalid', `is not valid: ${problems.join('; ')}`)
}

/** A record's value as text. Throws `serialization` when it is empty, not UTF-8, or begins with a byte order mark. */
export function recordText(kind: RecordKind, value: RecordValue): string {
  if (value === null || value.length === 0) throw poison(kind, 'empty', 'is empty')
  const text = typeof value === 'string' ? value : decodeUtf8(kind, value)
  if (text.startsWith(BYTE_ORDER_MARK)) throw poison(kind, 'not_json', 'begins with a byte order mark; leave it out')
  return text
}

function decodeUtf8(kind: RecordKind, bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch (error) {
    throw poison(kind, 'not_utf8', 'is not UTF-8', error)
  }
}

/**
 * The quick way, for records whose carried member is the last, as our own writers put it. What stands before the first
 * `,"name":` is an object when closed only if that member is at the top: in a string its quotes would be escaped, and
 * deeper down a bracket would be open. What is not of this form is judged by {@link splitAnywhere}.
 */
function splitAtLast(text: string, name: string): RecordParts | undefined {
  const marker = `,"${name}":`
  const at = text.indexOf(marker)
  if (at === -1 || !text.endsWith('}')) return undefined
  try {
    const fieldsText = `${text.slice(0, at)}}`
    const fields = JSON.parse(fieldsText) as Record<string, unknown>
    const carriedJson = text.slice(at + marker.length, -1)
    JSON.parse(carriedJson)
    return fields['v'] === WIRE_VERSION ? { fields, carriedJson: carriedJson.trim(), fieldsText, text } : undefined
  } catch {
    return undefined // says nothing yet about the record: the general way decides
  }
}

function splitAnywhere(kind: RecordKind, text: string): RecordParts {
  const fields = parseJson(kind, text)
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) {
    throw poison(kind, 'invalid', 'is not a JSON object')
  }
  const version = (fields as Record<string, unknown>)['v']
  if (version !== WIRE_VERSION) {
    const said = typeof version === 'number' ? `version ${version}` : 'no version that is a number'
    throw poison(kind, 'unknown_version', `says ${said}; known is "v": ${WIRE_VERSION}`)
  }
  const carriedJson = Object.hasOwn(fields, kind.carried) ? memberText(text, kind.carried) : undefined
  return { fields: fields as Record<string, unknown>, carriedJson, fieldsText: text, text }
}

function parseJson(kind: RecordKind, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw poison(kind, 'not_json', 'is not JSON', error)
  }
}

/** What is accepted must fit every other record that it will travel in, so the bounds of the doors hold here too. */
function checkCarried(kind: RecordKind, json: string): void {
  if (isDeeperThan(json, LIMITS.jsonDepthMax)) throw tooDeep(kind)
  if (json.length * 3 > kind.carriedBytesMax && utf8Bytes(json) > kind.carriedBytesMax) {
    throw poison(kind, 'invalid', `has a ${kind.carried} of more than ${kind.carriedBytesMax} bytes`)
  }
  if (hasLoneSurrogate(json)) throw poison(kind, 'invalid', `has a lone surrogate in its ${kind.carried}`)
}

function tooDeep(kind: RecordKind): ErrandError {
  return poison(kind, 'too_deep', `is nested too deep; a ${kind.carried} may have ${LIMITS.jsonDepthMax} levels`)
}
