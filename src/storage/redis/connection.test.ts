import { expect, test } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import { silentLogger } from '../../core/logger.ts'
import { RedisConnection } from './connection.ts'

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
])('%s is %s', (text, code) => {
  expect(connection.translate(new Error(text), 'a claim').code).toBe(code)
})

test('closing keeps the process for no longer than it takes', async () => {
  const before = process.getActiveResourcesInfo().filter(each => each === 'Timeout').length
  await new RedisConnection({ url: 'redis://127.0.0.1:1', clock: systemClock, logger: silentLogger }, 'test').close()
  expect(process.getActiveResourcesInfo().filter(each => each === 'Timeout').length).toBeLessThanOrEqual(before)
})
