// Names that become topics, groups and Redis keys. Kafka lets `.` and `_` collide and allows 249 characters, so both
// patterns leave out what would make two names one. Every name is checked here before anything is pasted together.

import { ErrandError } from './errors.ts'
import { LIMITS } from './limits.ts'

const NAMESPACE = /^[a-z0-9][a-z0-9-]{0,31}$/
const TYPE = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/
const ID = /^[A-Za-z0-9][A-Za-z0-9._:~-]{0,127}$/

/** Types that would collide with Errand's own topics and groups. */
export const RESERVED_TYPES = ['scheduler', 'delay', 'outcomes', 'dlq', 'reader'] as const

/** Types that begin so are Errand's own activities: only `defineActivity` refuses them, since storages must carry them. */
export const RESERVED_TYPE_PREFIX = 'errand-'

/** Checks a namespace: `^[a-z0-9][a-z0-9-]{0,31}$`. Throws `invalid_argument` naming `namespace`. */
export function checkNamespace(value: unknown): string {
  if (typeof value === 'string' && NAMESPACE.test(value)) return value
  throw badName(
    'namespace',
    value,
    `${NAMESPACE} (lower-case letters, digits and -, at most ${LIMITS.namespaceCharsMax})`,
  )
}

/** Checks an activity type: `^[A-Za-z][A-Za-z0-9_-]{0,63}$` and not reserved. Throws `invalid_argument` naming `type`. */
export function checkType(value: unknown): string {
  if (typeof value !== 'string' || !TYPE.test(value)) {
    throw badName('type', value, `${TYPE} (a letter, then letters, digits, _ and -, at most ${LIMITS.typeCharsMax})`)
  }
  if ((RESERVED_TYPES as readonly string[]).includes(value)) {
    throw badName('type', value, `a name other than ${RESERVED_TYPES.join(', ')}, which are Errand's own`)
  }
  return value
}

/** Checks an activity id: letters, digits and `._:~-`, 1 to 128 of them. Throws `invalid_argument` naming the field. */
export function checkId(value: unknown, field = 'id'): string {
  if (typeof value === 'string' && ID.test(value)) return value
  throw badName(
    field,
    value,
    `${ID} (letters, digits and . _ : ~ -, at most ${LIMITS.idCharsMax}); leave it out to get a UUIDv7`,
  )
}

function badName(field: string, value: unknown, allowed: string): ErrandError {
  const received = typeof value === 'string' ? value.slice(0, 100) : typeof value
  return new ErrandError('invalid_argument', `${field} is ${JSON.stringify(received)}; it must match ${allowed}.`, {
    details: { field, received, allowed },
  })
}
