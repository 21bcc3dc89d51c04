// Who is let in, from where, and what nobody gets: on a real HTTP server.

import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ConsoleGround } from '../../test/support/console-activities.ts'
import type { Answer } from '../../test/support/console-host.ts'
import { ConsoleHost, OWN_PAGE } from '../../test/support/console-host.ts'
import { CONSOLE_LIMITS } from '../core/limits.ts'
import { silentLogger } from '../core/logger.ts'
import type { AuditEntry } from './index.ts'
import { CONTENT_SECURITY_POLICY } from './security-headers.ts'

const ACT = 'a-token-that-may-act-1234'
const VIEW = 'a-token-that-may-look-123'

let ground: ConsoleGround
let open: ConsoleHost
let guarded: ConsoleHost
const audited: AuditEntry[] = []

beforeAll(async () => {
  ground = await ConsoleGround.open({ works: false })
  open = await ConsoleHost.open({
    storage: ground.storage,
    allowedHosts: ['errand.example.com', 'other.example.com:8443'],
  })
  guarded = await ConsoleHost.open({
    storage: ground.storage,
    namespace: 'shop',
    token: { act: ACT, view: VIEW },
    audit: entry => audited.push(entry),
  })
})

afterAll(async () => {
  await open[Symbol.asyncDispose]()
  await guarded[Symbol.asyncDispose]()
  await ground[Symbol.asyncDispose]()
})

const code = ({ json }: Answer): unknown => (json as { error?: { code?: string } } | undefined)?.error?.code

describe('the name that is called', () => {
  test.each([
    ['localhost', 200],
    ['localhost:1234', 200],
    ['LOCALHOST', 200],
    ['127.0.0.1:80', 200],
    ['[::1]:9464', 200],
    ['errand.example.com', 200],
    ['errand.example.com:9999', 200],
    ['other.example.com:8443', 200],
    ['other.example.com', 403],
    ['other.example.com:8444', 403],
    ['evil.example.com', 403],
    ['errand.example.com.evil.example', 403],
    ['localhost.evil.example', 403],
    ['127.0.0.1.nip.example', 403],
    ['169.254.169.254', 403],
    ['0.0.0.0', 403],
  ])('Host: %s is answered with %i, whatever is asked for', async (host, status) => {
    for (const path of ['/api/stats', '/api/nothing', '/', '/assets/nothing.js']) {
      const answer = await open.get(path, { host })
      if (status === 403) expect([answer.status, code(answer)]).toEqual([403, 'forbidden'])
      else expect(answer.status).not.toBe(403)
    }
  })

  test('a rebound name gets nothing even with an Origin that is its own', async () => {
    const headers = {
      host: 'evil.example.com:80',
      origin: 'http://evil.example.com:80',
      'sec-fetch-site': 'same-origin',
    }
    expect((await open.post('/api/activities', { type: 'mail' }, headers)).status).toBe(403)
    expect((await open.get('/api/session', { host: 'evil.example.com' })).text).not.toContain('role')
  })

  test('what is no name at all is refused, with all headers', async () => {
    for (const host of ['a b', 'x@localhost', 'localhost/..', '<script>']) {
      const answer = await open.get('/', { host })
      expect(answer.status).toBeGreaterThanOrEqual(400)
      expect(answer.headers['content-security-policy']).toBe(CONTENT_SECURITY_POLICY)
      expect(answer.text).not.toContain('<script>')
    }
  })
})

describe('the page that asks', () => {
  const own = { ...OWN_PAGE, 'x-errand-request': undefined }
  const change = (headers: Readonly<Record<string, string | undefined>>): Promise<Answer> =>
    open.post('/api/activities', { type: 'mail', payload: 1, reason: 'r' }, { 'sec-fetch-site': undefined, ...headers })

  test.each([
    ['nothing said', {}],
    ['another site', { 'sec-fetch-site': 'cross-site' }],
    ['a neighbour under the same domain', { 'sec-fetch-site': 'same-site' }],
    ['an address that was typed', { 'sec-fetch-site': 'none' }],
    ['another Origin', { origin: 'https://evil.example.com' }],
    ['an Origin that is hidden', { origin: 'null' }],
    ['another port of loopback', { origin: 'http://localhost:3000' }],
    ['an Origin of ours, and another site', { origin: 'https://errand.example.com', 'sec-fetch-site': 'cross-site' }],
    ['an Origin like ours', { origin: 'https://errand.example.com.evil.example' }],
    ['an Origin with a user', { origin: 'https://errand.example.com@evil.example' }],
  ])('%s: a change is refused', async (_, headers) => {
    const answer = await change(headers)
    expect([answer.status, code(answer)]).toEqual([403, 'forbidden'])
  })

  test('its own: by Sec-Fetch-Site, by an allowed Origin, by the Origin of the very host that was called', async () => {
    for (const headers of [
      { 'sec-fetch-site': 'same-origin' },
      { origin: 'https://errand.example.com' },
      { origin: `http://127.0.0.1:${open.port}` },
    ]) {
      expect((await change(headers)).status).toBe(200)
    }
  })

  test('another site gets no answer to a question either, and no preflight is granted', async () => {
    expect((await open.get('/api/stats', { 'sec-fetch-site': 'cross-site' })).status).toBe(403)
    expect((await open.get('/api/stream', { 'sec-fetch-site': 'same-site' })).status).toBe(403)
    const preflight = await open.send('OPTIONS', '/api/activities', {
      origin: 'https://evil.example.com',
      'access-control-request-method': 'POST',
    })
    expect(preflight.status).toBe(405)
    expect(Object.keys(preflight.headers).filter(name => name.startsWith('access-control'))).toEqual([])
  })

  test('a change without its header, or with one that is no UUID, is refused', async () => {
    for (const id of [undefined, 'yes', '']) {
      const answer = await open.send('POST', '/api/activities', { ...own, 'x-errand-request': id }, '{"type":"mail"}')
      expect([answer.status, code(answer)]).toEqual([400, 'invalid_argument'])
    }
  })

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', 'application/jsonx', undefined])(
    'a change as %s is refused',
    async type => {
      expect((await open.post('/api/activities', { type: 'mail' }, { 'content-type': type })).status).toBe(415)
    },
  )
})

describe('tokens', () => {
  const bearer = (token: string): Readonly<Record<string, string>> => ({ authorization: `Bearer ${token}` })

  test('without one nothing is told but that one is needed', async () => {
    expect((await guarded.get('/api/session')).json).toMatchObject({ role: null, needsToken: true, namespace: null })
    for (const path of ['/api/stats', '/api/activities', '/api/stream', '/api/openapi.json', '/api/audit']) {
      const answer = await guarded.get(path)
      expect([path, answer.status, code(answer)]).toEqual([path, 401, 'unauthorized'])
    }
    expect((await guarded.post('/api/activities', { type: 'mail' })).status).toBe(401)
  })

  test('who may look may look, and is refused by the server when he acts, and that is audited', async () => {
    expect((await guarded.get('/api/stats', bearer(VIEW))).status).toBe(200)
    expect((await guarded.get('/api/session', bearer(VIEW))).json).toMatchObject({ role: 'view', namespace: 'shop' })
    for (const path of [
      '/api/activities',
      '/api/activities/x/cancel',
      '/api/activities/x/redrive',
      '/api/dead-letters/x/discard',
      '/api/dead-letters/discard',
      '/api/dead-letters/redrive',
    ]) {
      const answer = await guarded.post(path, {}, bearer(VIEW))
      expect([path, answer.status, code(answer)]).toEqual([path, 403, 'forbidden'])
    }
    expect(audited.at(-1)).toMatchObject({ act: 'start-operation', outcome: 'refused', says: 'forbidden' })
    expect(audited.at(-1)?.who).toMatch(/^view at 127\.0\.0\.1$/)
    expect((await guarded.get('/api/audit', bearer(VIEW))).text).toContain('"outcome":"refused"')
  })

  test('a program that shows its token may act without a page', async () => {
    const headers = { ...bearer(ACT), 'sec-fetch-site': undefined }
    expect((await guarded.post('/api/activities', { type: 'mail', payload: 2, reason: 'r' }, headers)).status).toBe(200)
    const elsewhere = { ...bearer(ACT), 'sec-fetch-site': 'cross-site' }
    expect((await guarded.post('/api/activities', { type: 'mail' }, elsewhere)).status).toBe(403)
  })

  test('a page signs in, has a cookie that scripts cannot read, and signs out', async () => {
    const signedIn = await guarded.post('/api/session', { token: ACT })
    const [cookie = ''] = signedIn.headers['set-cookie'] ?? []
    expect(signedIn.json).toMatchObject({ role: 'act', namespace: 'shop' })
    expect(cookie).toMatch(
      /^errand_session_[\w-]{8}=v1\.act\.\d+\.[\w-]{43}; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/,
    )
    const session = { cookie: cookie.split(';', 1)[0] ?? '' }
    expect((await guarded.post('/api/activities', { type: 'mail', payload: 3, reason: 'r' }, session)).status).toBe(200)
    // A cookie travels by itself, so it is worth nothing from elsewhere.
    expect((await guarded.post('/api/activities', {}, { ...session, 'sec-fetch-site': 'cross-site' })).status).toBe(403)
    expect((await guarded.post('/api/activities', {}, { ...session, 'sec-fetch-site': undefined })).status).toBe(403)
    const signedOut = await guarded.send('DELETE', '/api/session', { ...session, 'sec-fetch-site': 'same-origin' })
    expect(signedOut.headers['set-cookie']?.[0]).toMatch(/=; Path=\/; Max-Age=0/)
    expect(audited.map(({ act }) => act)).toEqual(expect.arrayContaining(['sign-in', 'sign-out']))
    expect(JSON.stringify(audited)).not.toContain(ACT)
  })

  test('a cookie that was made or changed by hand is none', async () => {
    const signedIn = await guarded.post('/api/session', { token: VIEW })
    const [name = '', value = ''] = (signedIn.headers['set-cookie']?.[0]?.split(';', 1)[0] ?? '').split('=')
    const forged = [
      value.replace('view', 'act'),
      value.replace(/\.\d+\./, '.9999999999999.'),
      value.slice(0, -1),
      `${value}x`,
      `v1.act.9999999999999.${'A'.repeat(43)}`,
      '',
    ]
    for (const each of forged) {
      const answer = await guarded.get('/api/stats', { cookie: `${name}=${each}` })
      expect([each, answer.status]).toEqual([each, 401])
    }
    // Beside a true one it does no harm.
    const both = { cookie: `${name}=${forged[0]}; ${name}=${value}` }
    expect((await guarded.get('/api/session', both)).json).toMatchObject({ role: 'view' })
  })

  test('behind TLS the cookie is for TLS only', async () => {
    const answer = await guarded.post('/api/session', { token: VIEW }, { 'x-forwarded-proto': 'https' })
    expect(answer.headers['set-cookie']?.[0]).toMatch(/; Secure$/)
    const twice = await guarded.post('/api/session', { token: VIEW }, { 'x-forwarded-proto': 'https, http' })
    expect(twice.headers['set-cookie']?.[0]).toMatch(/; Secure$/)
    const plain = await guarded.post('/api/session', { token: VIEW }, { 'x-forwarded-proto': 'http, https' })
    expect(plain.headers['set-cookie']?.[0]).not.toMatch(/Secure/)
  })

  test('what strangers are refused stands in the audit, and pushes nothing out of it', async () => {
    await using host = await ConsoleHost.open({ storage: ground.storage, token: { act: ACT } })
    const body = { type: 'mail', payload: 4, reason: 'mine' }
    expect((await host.post('/api/activities', body, bearer(ACT))).status).toBe(200)
    for (let n = 0; n < 40; n++) {
      await host.post('/api/activities/x/cancel', {})
      await host.post('/api/activities/x/cancel', {}, { ...bearer(ACT), 'sec-fetch-site': 'cross-site' })
    }
    const { entries } = (await host.get('/api/audit', bearer(ACT))).json as { entries: AuditEntry[] }
    expect(entries.filter(({ reason }) => reason === 'mine')).toHaveLength(1)
    expect(entries).toHaveLength(1 + CONSOLE_LIMITS.strangerEntriesMax)
    expect(entries[0]).toMatchObject({ act: 'cancel', outcome: 'refused', says: 'forbidden' })
  })

  test('a sign-in is small: anybody may send one', async () => {
    expect((await guarded.post('/api/session', { token: ACT, more: 'x'.repeat(5_000) })).status).toBe(413)
  })

  test('a token in an address is refused, right or wrong, wherever it stands', async () => {
    for (const path of [
      `/api/stats?token=${ACT}`,
      `/?access_token=${ACT}`,
      `/api/stream?token=x`,
      '/activities?bearer=1',
    ]) {
      const answer = await guarded.get(path)
      expect([path, answer.status, code(answer)]).toEqual([path, 400, 'invalid_argument'])
      expect(answer.text).not.toContain(ACT)
    }
  })

  test('wrong tokens, also those that are nearly right or of another form, are refused, and too many end in 429', async () => {
    await using host = await ConsoleHost.open({ storage: ground.storage, token: { act: ACT } })
    const wrong = [ACT.slice(0, -1), `${ACT}x`, ACT.toUpperCase(), VIEW, 'x', 'x'.repeat(500)]
    for (const token of wrong) expect((await host.post('/api/session', { token })).status).toBe(401)
    for (const header of [`Basic ${ACT}`, ACT, `Bearer  ${ACT}`, 'Bearer']) {
      expect((await host.get('/api/stats', { authorization: header })).status).toBe(401)
    }
    for (let n = wrong.length; n < 10; n++) expect((await host.get('/api/stats', bearer('wrong'))).status).toBe(401)
    const late = await host.get('/api/stats', bearer('wrong'))
    expect([late.status, code(late)]).toEqual([429, 'too_many_requests'])
    expect(Number(late.headers['retry-after'])).toBeGreaterThan(0)
    // Not the right one: anybody behind the same proxy could shut everybody out.
    expect((await host.post('/api/session', { token: ACT })).status).toBe(200)
  })

  test('with a token for looking alone nobody acts; read-only keeps everybody from it', async () => {
    await using looking = await ConsoleHost.open({ storage: ground.storage, token: { view: VIEW } })
    expect((await looking.post('/api/activities', { type: 'mail' }, bearer(VIEW))).status).toBe(403)
    await using reading = await ConsoleHost.open({ storage: ground.storage, token: { act: ACT }, readOnly: true })
    expect((await reading.get('/api/session', bearer(ACT))).json).toMatchObject({ role: 'view', isReadOnly: true })
    expect((await reading.post('/api/activities', { type: 'mail' }, bearer(ACT))).status).toBe(403)
    await using openReading = await ConsoleHost.open({ storage: ground.storage, readOnly: true })
    expect((await openReading.post('/api/activities', { type: 'mail' })).status).toBe(403)
  })
})

describe('what is asked for', () => {
  test.each([
    '/../../../../etc/passwd',
    '/..%2f..%2f..%2fetc%2fpasswd',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/assets/../../package.json',
    '/assets/..%2f..%2fpackage.json',
    '/assets/%2e%2e/index.html',
    '/..\\..\\etc\\passwd',
    '//etc/passwd',
    '/%00',
    '/api/../../etc/passwd',
    '/assets/%c0%ae%c0%ae/x',
  ])('%s leads out of no folder, and ends no process', async path => {
    const answer = await open.get(path)
    expect(answer.text).not.toMatch(/root:|"name": "errand"/)
    expect(answer.headers['content-security-policy']).toBe(CONTENT_SECURITY_POLICY)
    expect((await open.get('/api/session')).status).toBe(200)
  })

  test.each([
    ['limit=1e9', 'limit'],
    ['limit=0', 'limit'],
    ['limit=-1', 'limit'],
    ['limit=1.5', 'limit'],
    ['limit=', 'limit'],
    ['limit=NaN', 'limit'],
    ['status=everything', 'status'],
    ['type=' + encodeURIComponent('<script>alert(1)</script>'), 'type'],
    ['limt=5', 'limt'],
    ['cursor=AAAA', 'cursor'],
    ['cursor=' + 'A'.repeat(5_000), 'cursor'],
    ['cursor=' + Buffer.from('{"mail.normal":{"0":-5}}').toString('base64url'), 'cursor'],
  ])('activities?%s is refused by name', async (query, field) => {
    const answer = await open.get(`/api/activities?${query}`)
    expect(answer.status).toBe(400)
    expect(answer.json).toMatchObject({ error: { code: 'invalid_argument', field } })
  })

  test.each([
    ['search?text=x&cursor=AAAA', 'cursor'],
    ['search?text=x&cursor=' + Buffer.from('{"stage":99,"cursor":null}').toString('base64url'), 'cursor'],
    ['search?text=x&cursor=' + Buffer.from('{"stage":0,"cursor":{}}').toString('base64url'), 'cursor'],
    ['search', 'text'],
    ['search?text=x&fromMs=1e99', 'fromMs'],
  ])('activities/%s is refused by name', async (path, field) => {
    expect((await open.get(`/api/activities/${path}`)).json).toMatchObject({ error: { field } })
  })

  test.each([
    ['no JSON', '{', 400],
    ['no object', '[]', 400],
    ['an unknown field', '{"type":"mail","pay":1}', 400],
    ['a type of ours', '{"type":"errand-operation"}', 400],
    ['a prototype', '{"type":"mail","__proto__":{"a":1}}', 400],
    ['metadata with such a name', '{"type":"mail","reason":"r","options":{"metadata":{"__proto__":"a"}}}', 400],
    ['too deep', `{"type":"mail","payload":${'['.repeat(5_000)}${']'.repeat(5_000)}}`, 400],
    ['too large', `{"type":"mail","payload":"${'x'.repeat(1_100_000)}"}`, 413],
    ['a payload over its limit', `{"type":"mail","reason":"r","payload":"${'x'.repeat(950_000)}"}`, 413],
    ['no UTF-8', Buffer.from([0x7b, 0xff, 0x7d]).toString('latin1'), 400],
  ])('a body with %s is refused', async (what, body, status) => {
    const answer = await open.post('/api/activities', body)
    expect(answer.status).toBe(status)
    if (what === 'too deep') expect(answer.text).toContain('the body is nested more than 128 levels deep') // before it is parsed
  })

  test('a body that says nothing of its length is bounded while it comes', async () => {
    const body = `{"type":"mail"${' '.repeat(3_000_000)}}`
    const answer = await open.post('/api/activities', body, { 'transfer-encoding': 'chunked' }).catch(() => null)
    expect(answer?.status).not.toBe(200)
    expect((await open.get('/api/session')).status).toBe(200)
  })

  test('a body whose sender goes before its end is no defect, and nothing that was done', async () => {
    const errors: string[] = []
    const logger = { ...silentLogger, error: (text: string) => errors.push(text) }
    await using host = await ConsoleHost.open({ storage: ground.storage, logger })
    const headers = { ...OWN_PAGE, 'x-errand-request': randomUUID(), 'content-length': '100', host: 'localhost' }
    const given = Object.entries(headers).filter((each): each is [string, string] => each[1] !== undefined)
    const lines = given.map(([name, value]) => `${name}: ${value}\r\n`).join('')
    const socket = connect(host.port, '127.0.0.1')
    await once(socket, 'connect')
    socket.write(`POST /api/activities HTTP/1.1\r\n${lines}\r\n{"type"`)
    socket.end()
    await once(socket.resume(), 'close')
    expect((await host.get('/api/audit')).json).toEqual({ entries: [] })
    expect(errors).toEqual([])
  })

  test('other methods are refused, and HEAD opens no stream', async () => {
    for (const method of ['PUT', 'PATCH', 'TRACE', 'OPTIONS', 'HEAD']) {
      expect([method, (await open.send(method, '/api/stream')).status]).toEqual([method, 405])
    }
    expect((await open.send('POST', '/activities', OWN_PAGE, '{}')).status).toBe(405)
  })

  test('an odd Accept header changes nothing', async () => {
    for (const accept of ['image/webp', '*/*;q=0', 'text/html', '']) {
      expect((await open.get('/api/session', { accept })).status).toBe(200)
    }
  })
})

test('every answer has all headers: pages, files, data, refusals', async () => {
  for (const path of [
    '/',
    '/activities/x',
    '/assets/none.js',
    '/api/session',
    '/api/nothing',
    '/api/activities?limit=0',
  ]) {
    const { headers } = await open.get(path)
    expect(headers).toMatchObject({
      'content-security-policy': CONTENT_SECURITY_POLICY,
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
      'cache-control': 'no-store',
    })
  }
  expect(CONTENT_SECURITY_POLICY).not.toMatch(/unsafe|\*|http/)
})

test('hostile text is data in JSON, and never in a page', async () => {
  const hostile = '</script><img src=x onerror=alert(1)>'
  const { id } = (
    await open.post('/api/activities', {
      type: 'mail',
      reason: 'r',
      payload: { hostile },
      options: { metadata: { hostile } },
    })
  ).json as { id: string }
  const answer = await open.get(`/api/activities/${id}`)
  expect(answer.json).toMatchObject({ payload: { hostile }, metadata: { hostile } })
  expect(answer.headers['content-type']).toMatch(/^application\/json/)
  for (const path of [`/activities/${encodeURIComponent(hostile)}`, `/?q=${encodeURIComponent(hostile)}`]) {
    const page = await open.get(path)
    expect(page.text).not.toContain('onerror')
  }
  const refused = await open.get(`/api/activities/${encodeURIComponent(hostile)}`)
  expect([refused.status, refused.headers['content-type']]).toEqual([400, 'application/json'])
})

test('a request id is for one request: another body under it is a conflict', async () => {
  const id = randomUUID()
  const ask = (payload: unknown): Promise<Answer> =>
    open.post('/api/activities', { type: 'mail', payload, reason: 'r' }, { 'x-errand-request': id })
  const first = await ask(1)
  expect((await ask(1)).json).toEqual(first.json)
  expect((await ask(2)).status).toBe(409)
})
