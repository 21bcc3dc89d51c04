import { expect, test } from 'vitest'

import { PRIORITIES } from './priority.ts'
import {
  delayKey,
  delayTopic,
  dlqTopic,
  laneTopic,
  laneTopics,
  outcomesTopic,
  parseLaneTopic,
  schedulerGroup,
  workersGroup,
  workersGroupOf,
} from './topics.ts'

test('names are made of namespace, type and lane', () => {
  expect(laneTopic('shop', 'send_email', 'high')).toBe('shop.send_email.high')
  expect(laneTopics('shop', 'a')).toEqual(['shop.a.critical', 'shop.a.high', 'shop.a.normal', 'shop.a.low'])
  expect([delayTopic('shop'), outcomesTopic('shop'), dlqTopic('shop')]).toEqual([
    'shop.delay',
    'shop.outcomes',
    'shop.dlq',
  ])
  expect([workersGroup('shop', 'a'), schedulerGroup('shop')]).toEqual(['shop.a.workers', 'shop.scheduler'])
  expect(delayKey('id-1', 2)).toBe('id-1:2')
})

test('a lane says by its name who works on it', () => {
  for (const lane of laneTopics('shop', 'a')) expect(workersGroupOf(lane)).toBe(workersGroup('shop', 'a'))
})

test('a lane topic says its type and priority', () => {
  for (const priority of PRIORITIES)
    expect(parseLaneTopic('shop', laneTopic('shop', 'a', priority))).toEqual({ type: 'a', priority })
})

test.each(['shop.delay', 'shop.a', 'shop.a.urgent', 'shop2.a.low', 'shop.a.low.x', 'shop', ''])(
  '%j is no lane of shop',
  topic => {
    expect(parseLaneTopic('shop', topic)).toBeUndefined()
  },
)
