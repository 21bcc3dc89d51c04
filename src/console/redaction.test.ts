// What a hook hides is shown and found nowhere.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { ConsoleGround, mail } from '../../test/support/console-activities.ts'
import { ConsoleHost } from '../../test/support/console-host.ts'
import type { Redactable } from './index.ts'

let ground: ConsoleGround
let open: ConsoleHost

beforeAll(async () => {
  ground = await ConsoleGround.open({ works: false })
  open = await ConsoleHost.open({ storage: ground.storage })
})

afterAll(async () => {
  await open[Symbol.asyncDispose]()
  await ground[Symbol.asyncDispose]()
})

test('what a hook hides is hidden in payload, result and search, for everybody; when it throws nothing is shown', async () => {
  await ground.storage.subscribe({ types: ['mail'] })
  const body = { type: 'mail', payload: { card: '4111-secret' }, reason: 'r' }
  const { id } = (await open.post('/api/activities', body)).json as { id: string }
  await ground.storage.storeResult({ id, result: { state: 'ok', dataJson: '{"card":"4111-secret"}', atMs: 1 } })
  let throws = false
  await using host = await ConsoleHost.open({
    storage: ground.storage,
    redactPayload: ({ part, type }) => {
      if (throws) throw new Error('a mistake')
      return { hidden: part, type }
    },
  })
  const shown = await host.get(`/api/activities/${id}`)
  expect(shown.json).toMatchObject({ payload: { hidden: 'payload', type: 'mail' }, isRedacted: true })
  expect(shown.json).toMatchObject({ result: { data: { hidden: 'result' }, isRedacted: true } })
  expect((await host.get(`/api/activities/${id}/result`)).json).toMatchObject({
    result: { data: { hidden: 'result' } },
  })
  expect((await host.get('/api/activities/search?text=secret')).json).toMatchObject({ items: [], isComplete: true })
  expect((await open.get('/api/activities/search?text=secret')).json).toMatchObject({ items: [{ id }] })
  throws = true
  expect((await host.get(`/api/activities/${id}`)).json).toMatchObject({ payload: null, result: { data: null } })
  expect((await host.get(`/api/activities/${id}`)).text).not.toContain('secret')
})

test('errors, metadata and keys are hidden wherever they are shown, and not found by a search', async () => {
  await using failing = await ConsoleGround.open()
  const metadata = { card: 'meta-secret' }
  const hide = ({ part, value }: Redactable): unknown => {
    if (part === 'error') return { name: 'Hidden', message: 'error' }
    if (part === 'metadata') return { card: 'shown' }
    return part === 'key' ? null : value
  }
  await using host = await ConsoleHost.open({ storage: failing.storage, redactPayload: hide })
  const live = await host.stream()
  await live.heard('hello')
  const { id } = await failing.client.enqueue(mail, { host: 'x' }, { metadata, key: 'key-secret' })
  await failing.storage.awaitResult({ id, signal: AbortSignal.timeout(20_000) })
  const dead = await live.heard('activity', event => event['type'] === 'dead_letter')
  expect(dead.data).toMatchObject({ error: { message: 'error' } })
  live.close()
  const one = await host.get(`/api/activities/${id}`)
  expect(one.json).toMatchObject({ lastError: { message: 'error' }, metadata: { card: 'shown' }, key: null })
  for (const path of [
    ...[`activities/${id}`, `activities/${id}/events`, 'activities?status=dead_letter', 'dead-letters'],
    ...['dead-letters/groups', 'activities/search?text=shown'],
  ]) {
    const { status, text } = await host.get(`/api/${path}`)
    expect([path, status, text.includes('mail'), /no route|ENOROUTE|secret/.test(text)]).toEqual([
      path,
      200,
      true,
      false,
    ])
  }
  const preview = await host.post('/api/dead-letters/preview', { filter: { ids: [id] } })
  expect([preview.status, preview.text.includes('no route')]).toEqual([200, false])
  for (const text of ['route', 'meta-secret', 'key-secret']) {
    expect((await host.get(`/api/activities/search?text=${text}`)).json).toMatchObject({ items: [], isComplete: true })
  }
})
