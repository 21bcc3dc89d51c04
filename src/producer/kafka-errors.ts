// kafkajs's errors, translated once. Inside Errand nobody looks at a foreign error's name, and nobody outside this file
// knows the broker's error types. What is unknown and can be tried again is `unavailable`, the rest a defect.

import { ErrandError, isErrandError } from '../core/errors.ts'
import type { ErrorCode, ErrorDetails } from '../core/errors.ts'

/** What kafkajs puts on its errors, as far as anybody here looks. */
interface Foreign {
  readonly name: string
  readonly message: string
  /** The broker's error, such as `MESSAGE_TOO_LARGE`; undefined for the client's own. */
  readonly type: string | undefined
  readonly retriable: boolean | undefined
  readonly broker: string | undefined
  readonly topic: string | undefined
}

const TYPE_CODES: Readonly<Record<string, ErrorCode>> = {
  UNKNOWN_TOPIC_OR_PARTITION: 'not_found',
  GROUP_ID_NOT_FOUND: 'not_found',
  MESSAGE_TOO_LARGE: 'payload_too_large',
  RECORD_LIST_TOO_LARGE: 'payload_too_large',
  TOPIC_ALREADY_EXISTS: 'conflict',
  NON_EMPTY_GROUP: 'conflict',
  OFFSET_OUT_OF_RANGE: 'invalid_argument',
  OFFSET_METADATA_TOO_LARGE: 'invalid_argument',
  INVALID_COMMIT_OFFSET_SIZE: 'invalid_argument',
  INVALID_TOPIC_EXCEPTION: 'invalid_argument',
  INVALID_TIMESTAMP: 'invalid_argument',
  INVALID_RECORD: 'invalid_argument',
  INVALID_GROUP_ID: 'invalid_argument',
  UNSUPPORTED_VERSION: 'unsupported',
  UNSUPPORTED_COMPRESSION_TYPE: 'unsupported',
  UNSUPPORTED_FOR_MESSAGE_FORMAT: 'unsupported',
  TOPIC_AUTHORIZATION_FAILED: 'configuration',
  GROUP_AUTHORIZATION_FAILED: 'configuration',
  CLUSTER_AUTHORIZATION_FAILED: 'configuration',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'configuration',
  SASL_AUTHENTICATION_FAILED: 'configuration',
  UNSUPPORTED_SASL_MECHANISM: 'configuration',
  ILLEGAL_SASL_STATE: 'configuration',
  SECURITY_DISABLED: 'configuration',
  INVALID_PARTITIONS: 'configuration',
  INVALID_REPLICATION_FACTOR: 'configuration',
  INVALID_REPLICA_ASSIGNMENT: 'configuration',
  INVALID_CONFIG: 'configuration',
  INVALID_REQUIRED_ACKS: 'configuration',
  INVALID_SESSION_TIMEOUT: 'configuration',
  INCONSISTENT_GROUP_PROTOCOL: 'configuration',
  GROUP_MAX_SIZE_REACHED: 'configuration',
  POLICY_VIOLATION: 'configuration',
  TOPIC_DELETION_DISABLED: 'configuration',
  // The broker's own trouble, which kafkajs calls final although it passes.
  UNKNOWN: 'unavailable',
  BROKER_NOT_AVAILABLE: 'unavailable',
  STALE_CONTROLLER_EPOCH: 'unavailable',
  ILLEGAL_GENERATION: 'unavailable',
  UNKNOWN_MEMBER_ID: 'unavailable',
  REBALANCE_IN_PROGRESS: 'unavailable',
  KAFKAJS_UNKNOWN_ERROR_CODE: 'unavailable',
}

const NAME_CODES: Readonly<Record<string, ErrorCode>> = {
  KafkaJSConnectionError: 'unavailable',
  KafkaJSConnectionClosedError: 'unavailable',
  KafkaJSRequestTimeoutError: 'unavailable',
  KafkaJSBrokerNotFound: 'unavailable',
  KafkaJSNoBrokerAvailableError: 'unavailable',
  KafkaJSGroupCoordinatorNotFound: 'unavailable',
  KafkaJSMetadataNotLoaded: 'unavailable',
  KafkaJSTopicMetadataNotLoaded: 'unavailable',
  KafkaJSStaleTopicMetadataAssignment: 'unavailable',
  KafkaJSTimeout: 'unavailable',
  KafkaJSLockTimeout: 'unavailable',
  KafkaJSPartialMessageError: 'unavailable',
  KafkaJSSASLAuthenticationError: 'configuration',
  KafkaJSNotImplemented: 'unsupported',
  KafkaJSServerDoesNotSupportApiKey: 'unsupported',
  KafkaJSUnsupportedMagicByteInMessageSet: 'unsupported',
}

const HINTS: Partial<Readonly<Record<ErrorCode, string>>> = {
  unavailable: 'Trying again with the same ids is safe.',
  not_found: 'Provision the topic, or check the namespace and type.',
  payload_too_large: "The topic's max.message.bytes is the limit; store the payload elsewhere and send a reference.",
}

/**
 * Turns what kafkajs threw into an {@link ErrandError}; one that already is passes as it is.
 *
 * `doing` completes "while …" in the message. `details` are added to the error's own (`broker`, `topic`, `kafkaError`).
 */
export function fromKafka(error: unknown, doing: string, details?: ErrorDetails): ErrandError {
  if (isErrandError(error)) return error
  const foreign = innermost(error)
  const code = codeOf(foreign)
  const topic = foreign.topic ?? details?.['topic']
  return new ErrandError(code, `while ${doing}: ${withoutStop(foreign.message)}. ${hintOf(code, foreign)}`.trim(), {
    cause: error,
    details: {
      ...details,
      ...(topic === undefined ? {} : { topic }),
      ...(foreign.broker === undefined ? {} : { broker: foreign.broker }),
      kafkaError: foreign.type ?? foreign.name,
    },
  })
}

/** The broker's error type, such as `MESSAGE_TOO_LARGE`, or kafkajs's name for its own error; also of a translated one. */
export function kafkaErrorType(error: unknown): string {
  if (isErrandError(error)) return textOf(error.details['kafkaError']) ?? error.name
  const foreign = innermost(error)
  return foreign.type ?? foreign.name
}

function codeOf(foreign: Foreign): ErrorCode {
  if (foreign.type !== undefined) return TYPE_CODES[foreign.type] ?? (foreign.retriable ? 'unavailable' : 'internal')
  const code = NAME_CODES[foreign.name]
  if (code !== undefined) return code
  if (!foreign.name.startsWith('KafkaJS')) return 'internal'
  // The errors of a client that is being closed, or whose broker took the connection and says nothing, have no name of their own.
  return foreign.retriable === true || /disconnect|not connected/.test(foreign.message) ? 'unavailable' : 'internal'
}

function hintOf(code: ErrorCode, foreign: Foreign): string {
  if (isConnectionTrouble(foreign)) {
    const broker = foreign.broker === undefined ? 'the brokers' : `broker ${foreign.broker}`
    return `Is ${broker} running and reachable from here? The addresses come from \`brokers\` (ERRAND_KAFKA_BROKERS) and from what the brokers advertise; \`ssl\` and \`sasl\` must fit the listener.`
  }
  if (code === 'configuration' && /SASL|Auth/i.test(foreign.type ?? foreign.name)) {
    return foreign.type?.endsWith('AUTHORIZATION_FAILED') === true
      ? 'Grant the permission to the user of `sasl`.'
      : 'Correct `sasl` (mechanism, username, password).'
  }
  return HINTS[code] ?? ''
}

function isConnectionTrouble({ name, type }: Foreign): boolean {
  return (
    type === undefined &&
    (name.startsWith('KafkaJSConnection') ||
      name === 'KafkaJSBrokerNotFound' ||
      name === 'KafkaJSNoBrokerAvailableError')
  )
}

/** kafkajs wraps: "retries exceeded" around the cause, lists of errors around one each. The innermost says most. */
function innermost(error: unknown, depth = 0): Foreign {
  const inner = depth < 8 ? wrapped(error) : undefined
  return inner === undefined ? foreignOf(error) : innermost(inner, depth + 1)
}

function wrapped(error: unknown): unknown {
  if (!isObject(error)) return undefined
  for (const list of [error['errors'], error['partitions'], error['groups']]) {
    if (!Array.isArray(list)) continue
    const first: unknown = list.find(
      item => isObject(item) && (item instanceof Error || item['error'] instanceof Error),
    )
    if (first !== undefined) return first instanceof Error || !isObject(first) ? first : first['error']
  }
  const cause = error['cause']
  const isWrapper = ['KafkaJSNumberOfRetriesExceeded', 'KafkaJSNonRetriableError'].includes(String(error['name']))
  return isWrapper && cause instanceof Error ? cause : undefined
}

function foreignOf(error: unknown): Foreign {
  if (!isObject(error)) return { ...NOTHING, message: String(error) }
  return {
    name: textOf(error['name']) ?? 'Error',
    message: textOf(error['message']) ?? 'an error without a message',
    type: textOf(error['type']),
    retriable: typeof error['retriable'] === 'boolean' ? error['retriable'] : undefined,
    broker: textOf(error['broker']),
    topic: textOf(error['topic']),
  }
}

const NOTHING: Foreign = {
  name: 'Error',
  message: '',
  type: undefined,
  retriable: undefined,
  broker: undefined,
  topic: undefined,
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

// Without a regex for the end: over a long row of blanks within the text it would take the square of their number.
function withoutStop(text: string): string {
  let end = text.length
  while (end > 0 && /[.\s]/.test(text.charAt(end - 1))) end -= 1
  return text.slice(0, end)
}
