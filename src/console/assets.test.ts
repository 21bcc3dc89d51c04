// The pages as files: what is served, how long it is kept, and that links hold under any mount.

import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ConsoleHost } from '../../test/support/console-host.ts'
import { MemoryStorage } from '../storage/memory/index.ts'

const INDEX =
  '<!doctype html><link href="./assets/style-AbCd1234.css"><script src="./assets/main-AbCd1234.js"></script>'
const SCRIPT = `export const text = '${'x'.repeat(3_000)}'`

let folder = ''
let outside = ''
const storage = new MemoryStorage()

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'errand-pages-'))
  outside = await mkdtemp(join(tmpdir(), 'errand-secret-'))
  await mkdir(join(folder, 'assets'))
  await writeFile(join(outside, 'secret.txt'), 'a secret')
  await writeFile(join(folder, 'index.html'), INDEX)
  await writeFile(join(folder, 'icon.svg'), '<svg/>')
  await writeFile(join(folder, 'assets', 'main-AbCd1234.js'), SCRIPT)
  await writeFile(join(folder, 'assets', 'odd.exe'), 'MZ')
  await symlink(join(outside, 'secret.txt'), join(folder, 'assets', 'link.txt'))
  await symlink(outside, join(folder, 'out'))
})

afterAll(async () => {
  await storage.close()
  await rm(folder, { recursive: true })
  await rm(outside, { recursive: true })
})

test('files have their types; hashed ones are kept for good, others asked for again, pages never kept', async () => {
  await using host = await ConsoleHost.open({ storage, assetsFolder: folder })
  const script = await host.get('/assets/main-AbCd1234.js')
  expect([script.status, script.text, script.headers['content-type']]).toEqual([
    200,
    SCRIPT,
    'text/javascript; charset=utf-8',
  ])
  expect(script.headers['cache-control']).toBe('public, max-age=31536000, immutable')
  const icon = await host.get('/icon.svg')
  expect([icon.headers['content-type'], icon.headers['cache-control']]).toEqual(['image/svg+xml', 'no-cache'])
  expect((await host.get('/icon.svg', { 'if-none-match': icon.headers.etag })).status).toBe(304)
  expect((await host.get('/assets/odd.exe')).headers['content-type']).toBe('application/octet-stream')
  const page = await host.get('/')
  expect([page.status, page.headers['content-type'], page.headers['cache-control']]).toEqual([
    200,
    'text/html; charset=utf-8',
    'no-store',
  ])
  expect(page.headers['content-security-policy']).toContain("script-src 'self'")
  const head = await host.send('HEAD', '/assets/main-AbCd1234.js')
  expect([head.status, head.text]).toEqual([200, ''])
})

test('who takes gzip gets it', async () => {
  await using host = await ConsoleHost.open({ storage, assetsFolder: folder })
  const response = await host.console.fetch(
    new Request('http://localhost/assets/main-AbCd1234.js', { headers: { 'accept-encoding': 'br, gzip' } }),
  )
  expect(response.headers.get('content-encoding')).toBe('gzip')
  expect(gunzipSync(Buffer.from(await response.arrayBuffer())).toString()).toBe(SCRIPT)
})

test.each([
  '/assets/link.txt',
  '/out/secret.txt',
  '/assets/../../secret.txt',
  '/assets/%2e%2e/%2e%2e/secret.txt',
  '/assets/none.js',
  '/assets/',
])('%s is nowhere: links and dots lead out of no folder', async path => {
  await using host = await ConsoleHost.open({ storage, assetsFolder: folder })
  const answer = await host.get(path)
  expect(answer.text).not.toContain('secret')
  if (path.startsWith('/assets/') && !path.includes('..') && !path.includes('%')) expect(answer.status).toBe(404)
})

describe('links lead to the base', () => {
  test.each([
    ['', '/', './'],
    ['', '/activities', './'],
    ['', '/activities/', '../'],
    ['', '/activities/abc.def', '../'],
    ['', '/a/b/c', '../../'],
    ['/ops/errand', '/ops/errand/', './'],
    ['/ops/errand', '/ops/errand/activities/1', '../'],
    // A proxy that has cut the path off.
    ['/ops/errand', '/activities/1', '../'],
    ['/ops/errand/', '/ops/errand/dead-letters', './'],
  ])('mounted at "%s", %s begins links with %s', async (basePath, path, base) => {
    await using host = await ConsoleHost.open({ storage, assetsFolder: folder, basePath })
    expect((await host.get(path)).text).toBe(INDEX.replaceAll('./', base))
  })

  test('the base without a slash leads to the one with it, by a relative address', async () => {
    await using host = await ConsoleHost.open({ storage, assetsFolder: folder, basePath: '/ops/errand' })
    const answer = await host.get('/ops/errand')
    expect([answer.status, answer.headers.location]).toEqual([308, './errand/'])
    expect((await host.get('/ops/errand/api/session')).status).toBe(200)
    expect((await host.get('/ops/errandx/api/session')).status).toBe(200) // a page, as any unknown path
    expect((await host.get('/ops/errandx/api/session')).headers['content-type']).toMatch(/html/)
  })

  test('in a framework that cuts the mount off in front, as Express does', async () => {
    await using host = await ConsoleHost.open({ storage, assetsFolder: folder })
    const server = createServer((request, response) => {
      const originalUrl = request.url ?? '/'
      Object.assign(request, { originalUrl, url: originalUrl.replace(/^\/errand\/?/, '/') })
      host.console.handler(request, response)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    try {
      const bare = await fetch(`${address}/errand?x=1`, { redirect: 'manual' })
      expect([bare.status, bare.headers.get('location')]).toEqual([308, './errand/'])
      expect(await (await fetch(`${address}/errand/activities/1`)).text()).toContain('src="../assets/')
      expect((await fetch(`${address}/errand/api/session`)).status).toBe(200)
    } finally {
      server.close()
      server.closeAllConnections()
    }
  })
})

test('without built pages it says what to run, once they are built it serves them; the API is there all the time', async () => {
  const later = join(folder, 'later')
  await using host = await ConsoleHost.open({ storage, assetsFolder: later })
  const page = await host.get('/activities')
  expect([page.status, page.headers['content-type']]).toEqual([503, 'text/html; charset=utf-8'])
  expect(page.text).toContain('npm run build')
  expect(page.text).not.toMatch(/<script|style=/)
  expect((await host.get('/api/session')).status).toBe(200)
  await mkdir(later)
  await writeFile(join(later, 'index.html'), INDEX)
  expect((await host.get('/activities')).status).toBe(200)
})
