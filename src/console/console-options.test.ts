import { expect, test } from 'vitest'
import { isErrandError } from '../core/errors.ts'
import { MemoryStorage } from '../storage/memory/index.ts'
import type { ConsoleOptions } from './index.ts'
import { checkConsoleOptions, createConsole } from './index.ts'

const LONG = 'a-token-of-16-chars'

test.each<[string, object, string]>([
  ['an unknown name', { hosts: [] }, 'hosts'],
  ['a short token', { token: { act: 'short' } }, 'token.act'],
  ['a token with a blank', { token: { view: 'a token with blanks in it' } }, 'token.view'],
  ['a token that no header carries', { token: { act: `${LONG}\n` } }, 'token.act'],
  ['no token', { token: {} }, 'token'],
  ['one token for both', { token: { view: LONG, act: LONG } }, 'token.view'],
  ['a path without a slash', { basePath: 'ops' }, 'basePath'],
  ['a path with dots', { basePath: '/a/"><script>' }, 'basePath'],
  ['a host with a path', { allowedHosts: ['errand.example.com/x'] }, 'allowedHosts'],
  ['any host', { allowedHosts: ['*'] }, 'allowedHosts'],
  ['too many hosts', { allowedHosts: Array.from({ length: 101 }, (_, at) => `h${at}`) }, 'allowedHosts'],
  ['a trace that is a script', { traceUrl: 'javascript:alert({traceId})' }, 'traceUrl'],
  ['a trace without its id', { traceUrl: 'https://traces.example.com/' }, 'traceUrl'],
  ['a badge without a name', { environment: { name: '' } }, 'environment.name'],
  ['a colour that is a style', { environment: { name: 'x', color: 'red;background:url(x)' } }, 'environment.color'],
])('%s is refused by name, before anything is opened', (_, options, field) => {
  const thrown = ((): unknown => {
    try {
      return checkConsoleOptions(options)
    } catch (error) {
      return error
    }
  })()
  expect(isErrandError(thrown, 'invalid_argument') && thrown.details['field']).toBe(field)
  expect(String(thrown)).not.toContain(LONG)
})

test('a storage is needed, and everything that is wrong is told at once', () => {
  const options = { storage: {}, basePath: 'x', traceUrl: 'y' } as unknown as ConsoleOptions
  expect(() => createConsole(options)).toThrow(/storage must be.*basePath.*traceUrl/s)
})

test('what is right is taken', async () => {
  const options = {
    token: { view: LONG, act: `${LONG}2` },
    basePath: '/ops/errand/',
    allowedHosts: ['Errand.Example.com', '[fd00::1]:9464', '10.0.0.1'],
    traceUrl: 'http://traces.example.com/{traceId}?x=1',
    environment: { name: 'Production (eu)', color: '#b00' },
  }
  expect(() => checkConsoleOptions(options)).not.toThrow()
  const storage = new MemoryStorage()
  await using made = createConsole({ ...options, storage })
  await made.close()
  await storage.close()
})
