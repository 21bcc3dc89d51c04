// Every operation of the storage driver, as tests that run on any storage behind it.

import assert from 'node:assert/strict'
import { afterAll, describe, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { DriverProcess } from './driver-process.ts'
import { freshNamespace } from './stack.ts'

const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const TYPE = 'mail'
const claimArgs = { types: [TYPE], lease_ms: 600_000, wait_ms: 5_000 }

interface Claim {
  readonly id: string
  readonly lease: string
  readonly attempt: number
}

const namespaces: string[] = []

function newNamespace(): string {
  const namespace = freshNamespace('driver')
  namespaces.push(namespace)
  return namespace
}

async function open(storage: string): Promise<DriverProcess> {
  const driver = new DriverProcess(['--storage', storage])
  assert.deepEqual(await driver.ask('open', { namespace: newNamespace(), types: [TYPE] }), { ok: {} })
  return driver
}

async function claimOne(driver: DriverProcess): Promise<Claim> {
  const claims = (await driver.ok('claim', claimArgs))['claims'] as Claim[]
  assert.equal(claims.length, 1)
  const [claim] = claims
  assert.ok(claim !== undefined)
  assert.deepEqual(Object.keys(claim), ['id', 'lease', 'attempt'])
  return claim
}

/** What is only looked at may lag a little. */
async function eventually(check: () => Promise<void>): Promise<void> {
  const untilMs = systemClock.monotonicMs() + 10_000
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (systemClock.monotonicMs() > untilMs) throw error
    }
    await systemClock.sleep(50)
  }
}

async function activity(driver: DriverProcess, id: string): Promise<Record<string, unknown>> {
  return (await driver.ok('get_activity', { id }))['activity'] as Record<string, unknown>
}

/** Defines the scenario for a storage. `drop` takes away what a namespace leaves behind. */
export function driverScenario(storage: string, drop?: (namespace: string) => Promise<void>): void {
  describe(`the driver on ${storage}`, () => {
    afterAll(async () => {
      for (const namespace of namespaces) await drop?.(namespace)
    })

    test('submit, claim, renew, complete: texts are carried as they are', async () => {
      await using driver = await open(storage)
      driver.send(
        `{"op":"submit","args":{"id":"one","type":"${TYPE}","payload":{ "n":12345678901234567890, "f":1.10 }}}\n`,
      )
      assert.equal(await driver.replyText(), '{"ok":{"id":"one","outcome":"created"}}')
      const claim = await claimOne(driver)
      assert.deepEqual([claim.id, claim.attempt], ['one', 1])
      assert.deepEqual(await driver.ok('renew', { claim, lease_ms: 700_000 }), { renewed: true })
      await eventually(async () => {
        const running = await activity(driver, 'one')
        assert.deepEqual([running['status'], running['current_worker'], running['last_error']], ['running', 'w1', null])
      })
      driver.send('{"op":"get_activity","args":{"id":"one"}}\n')
      assert.match(await driver.replyText(), /"payload":\{ "n":12345678901234567890, "f":1.10 \}/)
      driver.send(`{"op":"complete","args":{"claim":${JSON.stringify(claim)},"value":98765432109876543210}}\n`)
      assert.equal(await driver.replyText(), '{"ok":{}}')
      driver.send('{"op":"get_result","args":{"id":"one"}}\n')
      assert.equal(await driver.replyText(), '{"ok":{"result":{"state":"ok","data":98765432109876543210}}}')
      assert.deepEqual(await driver.ok('renew', { claim, lease_ms: 1_000 }), { renewed: false })
      assert.deepEqual(await driver.ok('release', { claim }), { released: false })
      assert.equal((await driver.refusal('complete', { claim, value: 1 })).code, 'conflict')
      await eventually(async () => {
        const ended = await activity(driver, 'one')
        assert.equal(ended['status'], 'completed')
        for (const field of ['created_at', 'started_at', 'completed_at']) assert.match(String(ended[field]), ISO_TIME)
      })
    })

    test('a null value is a result; no result is null', async () => {
      await using driver = await open(storage)
      await driver.ok('submit', { id: 'one', type: TYPE })
      assert.deepEqual(await driver.ok('get_result', { id: 'one' }), { result: null })
      await driver.ok('complete', { claim: await claimOne(driver), value: null })
      assert.deepEqual(await driver.ok('get_result', { id: 'one' }), { result: { state: 'ok', data: null } })
    })

    test('fail: retrying, dead letter, failed; redrive; lease lost', async () => {
      await using driver = await open(storage)
      await driver.ok('submit', { id: 'dies', type: TYPE, max_attempts: 2, retry_delay_s: 5, priority: 'high' })
      const first = await claimOne(driver)
      assert.deepEqual(await driver.ok('fail', { claim: first, reason: 'one' }), {
        outcome: 'retrying',
        retry_in_s: 10,
      })
      assert.deepEqual(await driver.ok('process_scheduled', {}), { count: 0 })
      await eventually(async () => assert.deepEqual(await driver.ok('test_make_due', { id: 'dies' }), {}))
      assert.deepEqual(await driver.ok('process_scheduled', { limit: 10 }), { count: 1 })
      const second = await claimOne(driver)
      assert.equal(
        (await driver.refusal('fail', { claim: { ...second, lease: first.lease }, reason: 'x' })).code,
        'conflict',
      )
      assert.equal(
        (await driver.refusal('complete', { claim: { ...second, lease: 'made-up' }, value: 1 })).code,
        'lease_lost',
      )
      assert.deepEqual(await driver.ok('fail', { claim: second, reason: 'two', timeout: true }), {
        outcome: 'dead_letter',
      })
      await eventually(async () => {
        const [item] = (await driver.ok('dead_letters', { type: TYPE }))['items'] as Record<string, unknown>[]
        assert.deepEqual([item?.['id'], item?.['error'], item?.['attempts']], ['dies', 'two', 2])
        assert.match(String(item?.['failed_at']), ISO_TIME)
      })
      const { id } = await driver.ok('redrive', { id: 'dies' })
      assert.equal((await driver.ok('redrive', { id: 'dies' }))['id'], id)
      const again = await claimOne(driver)
      assert.equal(again.id, id)
      assert.deepEqual(await driver.ok('fail', { claim: again, reason: 'no', retryable: false }), { outcome: 'failed' })
      await eventually(async () => {
        const [redriven, original] = [await activity(driver, again.id), await activity(driver, 'dies')]
        assert.deepEqual([redriven['status'], redriven['redrive_of'], redriven['last_error']], ['failed', 'dies', 'no'])
        assert.deepEqual([original['status'], original['redriven_as']], ['dead_letter', id])
        assert.deepEqual([original['attempt'], original['retry_count'], original['max_attempts']], [2, 1, 2])
      })
    })

    test('expiry and release: reap, test_expire_lease', async () => {
      await using driver = await open(storage)
      await driver.ok('submit', { id: 'one', type: TYPE })
      const first = await claimOne(driver)
      assert.deepEqual(await driver.ok('release', { claim: first }), { released: true })
      const second = await claimOne(driver)
      assert.equal(second.attempt, 1)
      assert.deepEqual(await driver.ok('reap'), { count: 0 })
      assert.deepEqual(await driver.ok('test_expire_lease', { id: 'one' }), {})
      assert.deepEqual(await driver.ok('reap', { limit: 5 }), { count: 1 })
      assert.equal((await driver.refusal('complete', { claim: second, value: 1 })).code, 'lease_lost')
      assert.equal((await claimOne(driver)).attempt, 2)
      await eventually(async () => {
        const events = (await driver.ok('get_events', { id: 'one' }))['events'] as Record<string, unknown>[]
        assert.ok(events.some(event => event['type'] === 'lease_expired' && event['attempt'] === 1))
        for (const event of events) assert.match(String(event['at']), ISO_TIME)
      })
    })

    test('keys, schedules and cancel', async () => {
      await using driver = await open(storage)
      const key = { key: 'k', on_duplicate: 'return_existing' }
      const submit = { id: 'later', type: TYPE, delay_s: 3_600, key, metadata: { tenant: 'blue' } }
      assert.deepEqual(await driver.ok('submit', submit), { id: 'later', outcome: 'created' })
      assert.deepEqual(await driver.ok('submit', { ...submit, id: 'x' }), { id: 'later', outcome: 'existing' })
      const noReuse = { ...submit, id: 'x', key: { key: 'k', on_duplicate: 'no_reuse' } }
      assert.equal((await driver.refusal('submit', noReuse)).code, 'duplicate_activity')
      assert.deepEqual(await driver.ok('lookup_key', { type: TYPE, key: 'k' }), { id: 'later' })
      assert.equal((await driver.refusal('lookup_key', { type: TYPE, key: 'z' })).code, 'not_found')
      await eventually(async () => {
        const seen = await activity(driver, 'later')
        assert.deepEqual([seen['status'], seen['key'], seen['metadata']], ['scheduled', 'k', { tenant: 'blue' }])
        assert.match(String(seen['scheduled_at']), ISO_TIME)
      })
      assert.deepEqual(await driver.ok('cancel', { id: 'later' }), { outcome: 'cancelled' })
      assert.deepEqual(await driver.ok('cancel', { id: 'later' }), { outcome: 'already_ended' })
      assert.equal((await driver.refusal('cancel', { id: 'nobody' })).code, 'not_found')
      await driver.ok('submit', { id: 'now', type: TYPE })
      const claim = await claimOne(driver)
      assert.deepEqual(await driver.ok('cancel', { id: 'now' }), { outcome: 'cancel_requested' })
      assert.deepEqual(await driver.ok('fail', { claim, reason: 'obeyed' }), { outcome: 'cancelled' })
    })

    test('submit_many, list, stats', async () => {
      await using driver = await open(storage)
      const { ids } = await driver.ok('submit_many', { prefix: 'm', n: 5, type: TYPE })
      assert.equal(new Set(ids as string[]).size, 5)
      const { claims } = await driver.ok('claim', { ...claimArgs, limit: 2, worker: 'pod-1' })
      for (const claim of claims as Claim[]) await driver.ok('complete', { claim, value: 1 })
      await eventually(async () => {
        const stats = await driver.ok('stats')
        assert.deepEqual([stats['pending'], stats['running'], stats['completed']], [3, 0, 2])
        const zeros = { scheduled: 0, running: 0, failed: 0, dead_letter: 0, cancelled: 0 }
        assert.deepEqual((stats['by_type'] as Record<string, unknown>)[TYPE], { pending: 3, completed: 2, ...zeros })
        assert.deepEqual((stats['by_priority'] as Record<string, unknown>)['normal'], {
          pending: 3,
          completed: 2,
          ...zeros,
        })
        const first = await driver.ok('list', { status: 'completed', type: TYPE, limit: 1 })
        const second = await driver.ok('list', { status: 'completed', type: TYPE, limit: 1, cursor: first['cursor'] })
        const items = [first, second].flatMap(page => page['items'] as Record<string, unknown>[])
        assert.deepEqual(new Set(items.map(item => item['id'])), new Set((claims as Claim[]).map(claim => claim.id)))
        assert.equal(second['cursor'], null)
      })
      assert.deepEqual(await driver.ok('get_activity', { id: 'nobody' }), { activity: null })
    })

    test('bad lines are answered in order, and the driver goes on', async () => {
      await using driver = new DriverProcess(['--storage', storage])
      assert.equal((await driver.refusal('stats')).code, 'conflict')
      await driver.ok('open', { namespace: newNamespace(), types: [TYPE] })
      const lines: readonly (readonly [string | Uint8Array, string, string])[] = [
        ['not json', 'serialization', 'JSON'],
        ['', 'serialization', 'JSON'],
        [Uint8Array.of(0x22, 0xff, 0xfe, 0x22), 'serialization', 'UTF-8'],
        ['[1]', 'invalid_argument', ''],
        ['{"op":"dance"}', 'invalid_argument', 'op'],
        ['{"op":"constructor"}', 'invalid_argument', 'op'],
        ['{"op":"stats","more":1}', 'invalid_argument', 'more'],
        ['{"op":"stats","args":{"more":1}}', 'invalid_argument', 'more'],
        [`{"op":"submit","args":{"type":"${TYPE}","max_attempts":-1}}`, 'invalid_argument', 'max_attempts'],
        [`{"op":"submit","args":{"type":"${TYPE}","max_attempts":"3"}}`, 'invalid_argument', 'max_attempts'],
        [`{"op":"submit","args":{"type":"${TYPE}","priority":"urgent"}}`, 'invalid_argument', 'priority'],
        [`{"op":"submit","args":{"type":"${TYPE}","delay_s":1e308}}`, 'invalid_argument', 'delay_s'],
        [`{"op":"submit","args":{"type":"${TYPE}","metadata":{"a":1}}}`, 'invalid_argument', 'metadata'],
        [`{"op":"submit","args":{"type":"${TYPE}","key":{"key":""}}}`, 'invalid_argument', 'key'],
        [`{"op":"submit","args":{"type":"${TYPE}","payload":"\\ud800"}}`, 'invalid_argument', 'payload'],
        [
          `{"op":"submit","args":{"type":"${TYPE}","payload":${'['.repeat(5_000)}${']'.repeat(5_000)}}}`,
          'invalid_argument',
          'payload',
        ],
        [
          `{"op":"submit","args":{"type":"${TYPE}","payload":"${'x'.repeat(1_000_000)}"}}`,
          'payload_too_large',
          'payload',
        ],
        ['{"op":"submit","args":{"type":"unknown"}}', 'invalid_argument', 'type'],
        ['{"op":"submit","args":{"type":"a.b"}}', 'invalid_argument', 'type'],
        ['{"op":"claim","args":{"types":["unknown"]}}', 'invalid_argument', 'type'],
        ['{"op":"complete","args":{"claim":{"id":"a","lease":"b"},"value":1}}', 'invalid_argument', 'claim.attempt'],
        ['{"op":"list","args":{"status":"lost"}}', 'invalid_argument', 'status'],
        ['{"op":"list","args":{"status":"completed","cursor":"forged"}}', 'invalid_argument', 'cursor'],
        ['{"op":"get_activity","args":{"id":"a b"}}', 'invalid_argument', 'id'],
        ['{"op":"test_make_due","args":{"id":"nobody"}}', 'not_found', ''],
      ]
      for (const [line] of lines) driver.send(Buffer.concat([Buffer.from(line), Buffer.from('\n')]))
      for (const [line, code, named] of lines) {
        const { error } = JSON.parse(await driver.replyText()) as { error?: { code: string; message: string } }
        assert.equal(error?.code, code, `${String(line).slice(0, 100)}: ${error?.message}`)
        assert.ok(error.message.includes(named), error.message)
      }
      driver.send(Buffer.alloc(17 * 1024 * 1024, 'x'))
      driver.send('\n')
      assert.equal(
        (JSON.parse(await driver.replyText()) as { error: { code: string } }).error.code,
        'payload_too_large',
      )
      assert.equal((await driver.ok('stats'))['pending'], 0)
    })

    test('close answers and exits with 0, and so does the end of the input', async () => {
      await using driver = await open(storage)
      assert.deepEqual(await driver.ask('close'), { ok: {} })
      assert.equal(await driver.exitCode(), 0)
      await using other = await open(storage)
      other.endInput()
      assert.equal(await other.exitCode(), 0)
    })
  })
}
