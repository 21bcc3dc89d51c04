import { describe, expect, it } from 'vitest'
import { isErrandError } from '../core/errors.ts'
import { silentLogger } from '../core/logger.ts'
import type { Logger } from '../core/logger.ts'
import { checkBrokers, createKafka, kafkaRetry } from './kafka-client.ts'
import { kafkaLogCreator } from './kafka-log.ts'

const settings = { brokers: ['localhost:9092'], clientId: 'test', logger: silentLogger }

describe('createKafka', () => {
  it('makes a new client each time, so that consumers share no cache', () => {
    expect(createKafka(settings)).not.toBe(createKafka(settings))
  })

  it('refuses a bad broker list', () => {
    expect(() => createKafka({ ...settings, brokers: ['nowhere'] })).toThrow(/\[invalid_argument\] brokers/)
  })
})

describe('kafkaRetry', () => {
  it('gives all five settings, because what is left out changes with NODE_ENV', () => {
    expect(Object.keys(kafkaRetry(8)).sort()).toEqual([
      'factor',
      'initialRetryTime',
      'maxRetryTime',
      'multiplier',
      'retries',
    ])
    expect(kafkaRetry(8).retries).toBe(8)
  })
})

describe('checkBrokers', () => {
  it.each([[['kafka-1:9092', 'kafka_2.local:1']], [['127.0.0.1:65535']], [['[::1]:9092']]])('accepts %j', brokers => {
    expect(checkBrokers(brokers)).toEqual(brokers)
  })

  it.each([
    [[]],
    [['kafka']],
    [['kafka:']],
    [['kafka:0']],
    [['kafka:65536']],
    [['a:1', '']],
    [['kafka://a:1']],
    [['a b:1']],
  ])('refuses %j, naming the field', brokers => {
    const error = thrownBy(() => checkBrokers(brokers))
    expect(isErrandError(error, 'invalid_argument')).toBe(true)
    expect(error).toMatchObject({ details: { field: 'brokers' } })
  })
})

describe('kafkaLogCreator', () => {
  const cases: [level: number, message: string, expected: string][] = [
    [1, 'Connection error', 'warn'],
    [2, 'The group is rebalancing, re-joining', 'warn'],
    [4, 'Consumer has joined the group', 'info'],
    [4, 'Pausing fetching from 1 topics', 'debug'],
    [4, 'Resuming fetching from 1 topics', 'debug'],
    [2, 'KafkaJS v2.0.0 switched default partitioner. To retain …', 'debug'],
    [5, 'Request enqueued', 'debug'],
  ]
  it.each(cases)('level %i "%s" becomes %s', (level, message, expected) => {
    const lines: string[] = []
    const note = (name: string) => (): void => void lines.push(name)
    const logger: Logger = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') }
    kafkaLogCreator(logger)()({ namespace: 'X', level, label: '', log: { timestamp: '', message } })
    expect(lines).toEqual([expected])
  })
})

function thrownBy(call: () => unknown): unknown {
  try {
    call()
  } catch (error) {
    return error
  }
  return undefined
}
