import { expect, test } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import { silentLogger } from '../../core/logger.ts'
import { RedisConnection, checkRedisUrl } from './connection.ts'

const connection = new RedisConnection({ url: 'redis://127.0.0.1:1', clock: systemClock, logger: silentLogger }, 'test')
const where = 'script: 3f1c, on @user_script:43.'

test.each([
  [`OOM command not allowed when used memory > 'maxmemory'. ${where}`, 'unavailable'],
  [`READONLY You can't write against a read only replica. ${where}`, 'unavailable'],
  [`MISCONF Errors writing to the AOF file: No space left on device. ${where}`, 'unavailable'],
  [`NOREPLICAS Not enough good replicas to write. ${where}`, 'unavailable'],
  ['LOADING Redis is loading the dataset in memory', 'unavailable'],
  ['ERR max number of clients reached', 'unavailable'],
  [`ERR user_script:12: attempt to index a nil value ${where}`, 'internal'],
  [`WRONGTYPE Operation against a key holding the wrong kind of value ${where}`, 'internal'],
  ['WRONGPASS invalid username-password pair', 'configuration'],
  ['ERR DB index is out of range', 'configuration'],
])('%s is %s', (text, code) => {
  expect(connection.translate(new Error(text), 'a claim').code).toBe(code)
})

test('closing keeps the process for no longer than it takes', async () => {
  const before = process.getActiveResourcesInfo().filter(each => each === 'Timeout').length
  await new RedisConnection({ url: 'redis://127.0.0.1:1', clock: systemClock, logger: silentLogger }, 'test').close()
  expect(process.getActiveResourcesInfo().filter(each => each === 'Timeout').length).toBeLessThanOrEqual(before)
})

test.each([
  'redis://localhost:6379',
  'rediss://localhost:6380/15',
  'redis://:pass%40word@[::1]:6379/',
  'redis://user:p@10.0.0.1:6379/0',
])('%s is an address', url => expect(checkRedisUrl(url)).toBe(url))

test.each<[unknown, string]>([
  ['', 'is not a redis://'],
  ['localhost:6379', 'is not a redis://'],
  ['http://user:secret@localhost', 'is not a redis://'],
  ['redis://user:sec ret@localhost', 'is not a redis://'],
  ['redis://:secret@localhost:99999', 'is not a redis://'],
  ['redis:///1', 'names no host'],
  ['redis://:secret@localhost/abc', 'names a database that is no number'],
  ['redis://:secret@localhost/-1', 'names a database that is no number'],
  ['redis://:secret@localhost/1/2', 'names a database that is no number'],
  ['redis://localhost?password=secret', 'has something behind ?'],
  ['redis://localhost/0?keyPrefix=secret', 'has something behind ?'],
  ['redis://localhost#secret', 'has something behind ?'],
  ['redis://:secret%zz@localhost', 'has a user or password with a %'],
  [6379, 'is a number'],
  [null, 'is a object'],
])('%s is none, and is not shown', (url, why) => {
  expect(() => checkRedisUrl(url)).toThrow(
    expect.objectContaining({
      code: 'invalid_argument',
      message: expect.stringMatching(
        new RegExp(`^\\[invalid_argument\\] redisUrl ${why.replace('?', '\\?')}(?!.*secret)`),
      ) as string,
      details: { field: 'redisUrl' },
    }),
  )
})
