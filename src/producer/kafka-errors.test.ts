import {
  KafkaJSConnectionError,
  KafkaJSNonRetriableError,
  KafkaJSNumberOfRetriesExceeded,
  KafkaJSProtocolError,
} from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { ErrandError } from '../core/errors.ts'
import type { ErrorCode } from '../core/errors.ts'
import { fromKafka, kafkaErrorType } from './kafka-errors.ts'

function fromBroker(type: string, retriable = false): Error {
  return Object.assign(new KafkaJSProtocolError(`the broker says ${type}`), { type, retriable })
}

/** For the errors whose types say less than their constructors take. */
function ofClient(name: string): Error {
  return Object.assign(new KafkaJSNonRetriableError('it went wrong'), { name })
}

describe('fromKafka', () => {
  const brokerCases: [type: string, code: ErrorCode][] = [
    ['LEADER_NOT_AVAILABLE', 'unavailable'],
    ['NOT_LEADER_FOR_PARTITION', 'unavailable'],
    ['REQUEST_TIMED_OUT', 'unavailable'],
    ['NOT_ENOUGH_REPLICAS', 'unavailable'],
    ['MESSAGE_TOO_LARGE', 'payload_too_large'],
    ['RECORD_LIST_TOO_LARGE', 'payload_too_large'],
    ['UNKNOWN_TOPIC_OR_PARTITION', 'not_found'],
    ['TOPIC_AUTHORIZATION_FAILED', 'configuration'],
    ['GROUP_AUTHORIZATION_FAILED', 'configuration'],
    ['INVALID_REPLICATION_FACTOR', 'configuration'],
    ['UNSUPPORTED_VERSION', 'unsupported'],
    ['NON_EMPTY_GROUP', 'conflict'],
    ['KAFKAJS_UNKNOWN_ERROR_CODE', 'unavailable'],
  ]
  it.each(brokerCases)('%s becomes %s', (type, code) => {
    const isPassing = code === 'unavailable'
    expect(fromKafka(fromBroker(type, isPassing), 'writing')).toMatchObject({ code, details: { kafkaError: type } })
  })

  it('names the broker of a connection error and the settings to look at', () => {
    const error = fromKafka(
      new KafkaJSConnectionError('Connection error: ECONNREFUSED', { broker: 'a:1' }),
      'connecting',
    )
    expect(error.code).toBe('unavailable')
    expect(error.message).toMatch(/a:1/)
    expect(error.message).toMatch(/`brokers`.*`ssl`/)
    expect(error.details).toMatchObject({ broker: 'a:1' })
  })

  it('says what to do about a refused login', () => {
    const error = fromKafka(ofClient('KafkaJSSASLAuthenticationError'), 'connecting')
    expect(error.code).toBe('configuration')
    expect(error.message).toMatch(/`sasl`/)
  })

  it('looks inside what kafkajs wraps', () => {
    const inner = fromBroker('UNKNOWN_TOPIC_OR_PARTITION', true)
    const outer = new KafkaJSNumberOfRetriesExceeded(inner, { retryCount: 8, retryTime: 1 })
    expect(kafkaErrorType(outer)).toBe('UNKNOWN_TOPIC_OR_PARTITION')
    expect(kafkaErrorType(fromKafka(outer, 'writing'))).toBe('UNKNOWN_TOPIC_OR_PARTITION')
    expect(fromKafka(outer, 'writing', { topic: 'x' })).toMatchObject({
      code: 'not_found',
      cause: outer,
      details: { topic: 'x' },
    })
  })

  it('takes the first failure of a list of results', () => {
    const error = Object.assign(new Error('Error in DeleteGroups'), {
      groups: [{ groupId: 'g', errorCode: 68, error: fromBroker('NON_EMPTY_GROUP') }],
    })
    expect(fromKafka(error, 'deleting a group').code).toBe('conflict')
  })

  it.each([
    [ofClient('KafkaJSRequestTimeoutError'), 'unavailable'],
    [ofClient('KafkaJSBrokerNotFound'), 'unavailable'],
    [new KafkaJSNonRetriableError("The producer is disconnecting; it can't accept messages"), 'unavailable'],
    [new KafkaJSNonRetriableError('Broker not connected'), 'unavailable'],
    [new KafkaJSNonRetriableError('Invalid topic'), 'internal'],
    [new TypeError('x is not a function'), 'internal'],
    ['a text', 'internal'],
  ])('%s becomes %s', (error, code) => {
    expect(fromKafka(error, 'writing').code).toBe(code)
  })

  it('passes an ErrandError as it is', () => {
    const error = new ErrandError('timeout', 'late')
    expect(fromKafka(error, 'writing')).toBe(error)
  })
})
