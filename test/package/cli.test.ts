// The command as people meet it: what it prints where, and its exit codes. With servers it is tried in
// `test/integration/cli-*.test.ts`.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const CLI = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const PACKAGE = new URL('../../package.json', import.meta.url)

function errand(args: readonly string[], env: Record<string, string> = {}) {
  const { ERRAND_NAMESPACE: _, ERRAND_KAFKA_BROKERS: __, ERRAND_REDIS_URL: ___, ...rest } = process.env
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...args], {
    encoding: 'utf8',
    env: { ...rest, ...env },
  })
  return { status, stdout, stderr }
}

describe('errand', () => {
  test('says its version', () => {
    const { version } = JSON.parse(readFileSync(PACKAGE, 'utf8')) as { version: string }
    expect(errand(['--version'])).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' })
  })

  test('writes no colours into a pipe, also in CI, unless they are asked for', () => {
    const shown = (env: Record<string, string>): boolean => errand(['config', 'show'], env).stdout.includes('\u001B[')
    expect(
      [{}, { CI: 'true' }, { CI: 'true', FORCE_COLOR: '1' }, { FORCE_COLOR: '1', NO_COLOR: '1' }].map(shown),
    ).toEqual([false, false, true, false])
  })

  test('shows settings that were given as flags, needs none, and no password of an address', () => {
    const { status, stdout } = errand(['config', 'show', '--redis', 'redis://joe:p@ssw0rd@h', '--json'])
    expect(status).toBe(0)
    const { items } = JSON.parse(stdout) as { items: readonly { readonly name: string }[] }
    const wanted = { value: 'redis://***@h', origin: 'flag', where: '--redis' }
    expect(items.find(({ name }) => name === 'redis.url')).toMatchObject(wanted)
  })

  test('init says how Errand is installed that no registry has', () => {
    const folder = mkdtempSync(join(tmpdir(), 'errand-init-'))
    try {
      const { stdout } = errand(['init', join(folder, 'new')])
      expect(stdout).toContain('`npm pack` in a clone')
      expect(stdout).toMatch(/^ {2}npm install \/path\/to\/errand-\d+\.\d+\.\d+\.tgz$/m)
      writeFileSync(join(folder, 'package.json'), '{}')
      expect(errand(['init', folder]).stdout).toMatch(/^ {2}npm install \S+\.tgz zod$/m)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('says with --verbose where a module of handlers broke', () => {
    const module = `data:text/javascript,${encodeURIComponent('function broken() { throw new Error("no") }\nbroken()')}`
    const folder = mkdtempSync(join(tmpdir(), 'errand-verbose-'))
    try {
      writeFileSync(join(folder, 'handlers.mjs'), `await import(${JSON.stringify(module)})`)
      const args = ['worker', '--import', join(folder, 'handlers.mjs')]
      const [brief, whole] = [args, [...args, '--verbose']].map(each => errand(each, serversAt('redis://localhost:1')))
      expect([brief?.status, brief?.stderr.includes('at broken')]).toEqual([2, false])
      expect([whole?.status, whole?.stderr.includes('at broken')]).toEqual([2, true])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('says in one line that no broker answers, and all that was tried with --verbose', () => {
    const tried = (...args: string[]): string =>
      errand(['topics', 'plan', ...args], serversAt('redis://localhost:1')).stderr
    expect(tried()).not.toContain('kafkajs')
    expect(tried('--verbose')).toContain('kafkajs: ')
  }, 60_000)

  test('lists its commands when it is asked for help, on stdout', () => {
    const { status, stdout, stderr } = errand(['--help'])
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toMatch(/^ {2}rebuild \[options\] +restore/m)
    expect(stdout).toMatch(/^Exit codes: 0 ok/m)
  })

  test.each([
    [[], 'Usage: errand'],
    [['config'], 'Usage: errand config'],
    [['rebuilt'], "unknown command 'rebuilt'\n(Did you mean rebuild?)"],
    [['toString'], "unknown command 'toString'"],
    [['config', 'shw'], "unknown command 'shw'\n(Did you mean show?)"],
  ])('%j is wrong usage, told on stderr', (args, why) => {
    const { status, stdout, stderr } = errand(args)
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toContain(why)
  })

  test.each([[['help', 'list']], [['list', '--help']], [['list', '-h']]])('%j says what the command takes', args => {
    const { status, stdout, stderr } = errand(args)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    for (const word of [
      '--status <status>',
      '"dead_letter"',
      '-o, --output',
      '--namespace',
      'Examples:',
      'Exit codes: 0 ok',
    ])
      expect(stdout).toContain(word)
  })

  test('what comes from outside does nothing to the terminal, also in a message about it', () => {
    const { status, stderr } = errand(['list', '--type', 'x\u009B2J\u001B[31m'], serversAt('redis://localhost:1'))
    expect(status).toBe(2)
    for (const control of ['\u001B', '\u009B']) expect(stderr).not.toContain(control)
  })

  test('rebuild --help names every option and variable', () => {
    const { status, stdout } = errand(['rebuild', '--help'])
    expect(status).toBe(0)
    for (const word of [
      '--namespace',
      '--brokers',
      '--redis',
      '--restart',
      '--json',
      'ERRAND_NAMESPACE',
      'ERRAND_KEY_LIFE',
    ])
      expect(stdout).toContain(word)
  })

  test.each<[string, string[], Record<string, string>, string]>([
    ['nothing', [], {}, 'namespace must be given: --namespace or ERRAND_NAMESPACE.\nkafka.brokers must be given'],
    ['an unknown option', ['--fast'], {}, "unknown option '--fast'"],
    [
      'a life without a unit',
      ['--key-life', '5'],
      serversAt('redis://localhost:1'),
      'retention.key (--key-life) is "5"',
    ],
    [
      'a variable without a unit',
      [],
      { ...serversAt('redis://localhost:1'), ERRAND_MARKER_LIFE: 'x' },
      'retention.marker (ERRAND_MARKER_LIFE) is "x"',
    ],
    ['a bad URL', [], serversAt('http://localhost'), 'redisUrl is not a redis:// or rediss:// URL'],
  ])('rebuild with %s is wrong usage and says what is wrong', (_, args, env, why) => {
    const { status, stdout, stderr } = errand(['rebuild', ...args], env)
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toContain(why)
  })

  test('rebuild fails where nobody answers, and says where', () => {
    const { status, stderr } = errand(['rebuild'], serversAt('redis://127.0.0.1:1'))
    expect(status).toBe(5)
    expect(stderr).toContain('redis://127.0.0.1:1')
  })
})

function serversAt(redisUrl: string): Record<string, string> {
  return { ERRAND_NAMESPACE: 'shop', ERRAND_KAFKA_BROKERS: '127.0.0.1:1', ERRAND_REDIS_URL: redisUrl }
}
