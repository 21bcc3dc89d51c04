// The storage driver on memory, from outside.

import assert from 'node:assert/strict'
import { test } from 'vitest'
import { DriverProcess } from '../support/driver-process.ts'
import { driverScenario } from '../support/driver-scenario.ts'

driverScenario('memory')

test('a wait goes on after the end of the input, and is answered', async () => {
  await using driver = new DriverProcess(['--storage', 'memory'])
  await driver.ok('open', { namespace: 'x', types: ['mail'] })
  driver.send('{"op":"claim","args":{"types":["mail"],"wait_ms":300}}\n')
  driver.endInput()
  assert.equal(await driver.replyText(), '{"ok":{"claims":[]}}')
  assert.equal(await driver.exitCode(), 0)
})

test('an unknown storage ends the driver with 1 and a reason on stderr', async () => {
  await using driver = new DriverProcess(['--storage', 'paper'])
  assert.equal(await driver.exitCode(), 1)
  assert.match(driver.stderr, /--storage is \\"paper\\"/)
})

test('kafka without its environment says which setting is missing', async () => {
  const env = { ...process.env, ERRAND_KAFKA_BROKERS: '' }
  await using driver = new DriverProcess(['--storage', 'kafka'], env)
  const { code, message } = await driver.refusal('open', { namespace: 'x', types: ['mail'] })
  assert.equal(code, 'configuration')
  assert.match(message, /ERRAND_KAFKA_BROKERS/)
})
