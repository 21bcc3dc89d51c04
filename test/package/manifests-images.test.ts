// The image and the compose file, without an engine: that they keep to their specification and to the rules, and that the rules
// bite. That images build and start is not shown here.

import { execFile } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { SETTINGS } from '../../src/cli/config/settings.ts'
import type { ComposeFile } from '../support/manifests/compose.ts'
import { composePolicyProblems } from '../support/manifests/compose.ts'
import { dockerfileProblems } from '../support/manifests/dockerfile.ts'
import { composeProblems } from '../support/manifests/schemas.ts'
import { repositoryDir } from '../support/run-program.ts'

const run = promisify(execFile)
const read = (path: string): string => readFileSync(join(repositoryDir, path), 'utf8')

const { version } = JSON.parse(read('package.json')) as { readonly version: string }
const composeFacts = { version, exists: (path: string): boolean => existsSync(join(repositoryDir, path)) }

describe('the compose file', () => {
  const text = read('docker-compose.yml')
  const parsed = (from: string): ComposeFile => parse(from, { merge: true }) as ComposeFile

  test('keeps to the specification, and to every rule', () => {
    expect(composeProblems(parsed(text))).toEqual([])
    expect(composePolicyProblems(parsed(text), composeFacts)).toEqual([])
  })

  test.each([
    ['a misspelt field', 'healthcheck:', 'healtcheck:', 'healtcheck'],
    ['a wrong type', 'interval: 10s', 'interval: [10s]', 'interval'],
    ['an unknown section', 'services:', 'service:', 'service'],
  ])('its specification refuses %s', (_, from, to, says) => {
    expect(composeProblems(parsed(text.replace(from, to))).join('\n')).toContain(says)
  })

  test.each([
    ['an image without a tag', 'redis:7.4.2-alpine', 'redis', 'redis: image'],
    ['latest', 'grafana/otel-lgtm:0.33.1', 'grafana/otel-lgtm:latest', 'telemetry: image'],
    ['another version of Errand', `errand:${version}`, 'errand:0.0.1', 'worker: image'],
    ['an open port', '127.0.0.1:${ERRAND_COMPOSE_REDIS_PORT:-6379}:6379', '6379:6379', 'redis: port'],
    ['a service without a check', 'healthcheck:\n      test: [CMD, cat, /tmp/ready]', 'x-check:', 'telemetry: health'],
    ['a start that does not wait', 'condition: service_healthy', 'condition: service_started', 'topics: order'],
    ['a service too many', 'profiles: [telemetry]', 'profiles: []', 'default'],
    ['a file that is not there', './observability/grafana/errand.json', './grafana.json', 'telemetry: mount'],
    ['a command that is not there', 'command: [reaper]', 'command: [reap]', 'reaper: command'],
    ['a flag that is not there', '--types=greet', '--type=greet', 'topics: command'],
    ['a misspelt setting', 'ERRAND_WORKER_REAPER', 'ERRAND_WORKER_REEPER', 'worker: variable'],
    ['a wrong value', "ERRAND_TOPICS_PROVISION: 'false'", 'ERRAND_TOPICS_PROVISION: perhaps', 'worker: settings'],
    ['a drain that is cut off', 'stop_grace_period: 45s', 'stop_grace_period: 20s', 'worker: grace'],
    ['loopback in a container', 'ERRAND_HTTP_HOST: 0.0.0.0', 'ERRAND_HTTP_HOST: 127.0.0.1', 'worker: settings'],
    ['a root that can be written to', 'read_only: true', 'read_only: false', 'worker: rights'],
  ])('the rules find %s', (_, from, to, says) => {
    const changed = text.replaceAll(from, to)
    expect(changed).not.toBe(text)
    const problems = composePolicyProblems(parsed(changed), composeFacts)
    expect(problems.filter(problem => problem.startsWith(says))).not.toEqual([])
  })
})

describe('the Dockerfile', () => {
  const text = read('Dockerfile')
  const context = contextOf(read('.dockerignore'))
  const nodeVersion = (JSON.parse(read('package-lock.json')) as Lock).packages['node_modules/node']?.version ?? ''
  const httpPort = SETTINGS.find(({ name }) => name === 'http.port')?.shownDefault ?? ''
  const facts = { nodeVersion, httpPort, isInContext: (path: string): boolean => isIn(context, path) }

  test('keeps every rule', () => {
    expect(dockerfileProblems(text, facts)).toEqual([])
  })

  test.each([
    ['latest', /node:[\d.]+-bookworm-slim/g, 'node:latest', 'base'],
    ['another Node than that of the tests', /node:[\d.]+-bookworm-slim/g, 'node:22.18.0-bookworm-slim', 'base'],
    ['root', 'USER 1000:1000', '', 'user'],
    ['a user by name', 'USER 1000:1000', 'USER node', 'user'],
    ['files of the user', 'EXPOSE 9464', 'RUN touch /app/x\nEXPOSE 9464', 'user'],
    [
      'a shell in between',
      'ENTRYPOINT ["node", "/opt/errand/dist/cli/main.js"]',
      'ENTRYPOINT node main.js',
      'entrypoint',
    ],
    ['packages for development', ' --omit=dev', '', 'install'],
    ['whatever is newest', 'npm ci', 'npm install', 'install'],
    ['everything', 'COPY src/ src/', 'COPY . .', 'content'],
    ['what is not in the context', 'COPY src/ src/', 'COPY examples/ src/', 'content'],
    ['a secret', 'ENV NODE_ENV=production', 'ENV NODE_ENV=production NPM_TOKEN=x', 'secret'],
    ['another port', 'EXPOSE 9464', 'EXPOSE 8080', 'port'],
    ['one stage', /FROM [^\n]* AS (?:build|dependencies)\n/g, '', 'stages'],
  ])('the rules find %s', (_, from, to, says) => {
    const changed = text.replaceAll(from, to)
    expect(changed).not.toBe(text)
    expect(dockerfileProblems(changed, facts).filter(problem => problem.startsWith(says))).not.toEqual([])
  })

  test('its context holds what the build needs, and neither tests nor settings nor history', () => {
    expect([...context]).toEqual(expect.arrayContaining(['package-lock.json', 'src/cli/main.ts', 'scripts/build.ts']))
    const strange = ['errand.json', '.git', 'node_modules', 'test', '.errand', 'src/core/limits.test.ts', '.env']
    expect(strange.filter(path => isIn(context, path))).toEqual([])
  })
})

test('what the build script imports is in the context of the image', () => {
  const context = contextOf(read('.dockerignore'))
  const imported = [...read('scripts/build.ts').matchAll(/from '\.\/([^']+)'/g)].map(([, path]) => `scripts/${path}`)
  expect(imported.length).toBeGreaterThan(0)
  expect(imported.filter(path => !isIn(context, path))).toEqual([])
})

test('the manifests name the image by the version of the package', () => {
  const files = globSync('k8s/base/**/*.yaml', { cwd: repositoryDir })
  const images = files.flatMap(file => read(file).match(/image: errand\S*/g) ?? [])
  expect(new Set(images)).toEqual(new Set([`image: errand:${version}`]))
})

test('the handlers of the compose file and of the development overlay greet', async () => {
  const script = `
    import { registerHooks } from 'node:module'
    const door = ${JSON.stringify(join('file:', repositoryDir, 'src/index.ts'))}
    registerHooks({ resolve: (name, context, next) => next(name === 'errand' ? door : name, context) })
    const { Client, Worker } = await import('errand')
    const { MemoryStorage } = await import(door.replace('index.ts', 'storage/memory/index.ts'))
    const { greet, register } = await import(${JSON.stringify(join('file:', repositoryDir, 'k8s/overlays/dev/activities.js'))})
    const storage = new MemoryStorage()
    const worker = new Worker({ storage })
    register(worker)
    await worker.start()
    const handle = await new Client({ storage }).enqueue(greet, { name: 'you' })
    console.log(JSON.stringify(await handle.result({ timeoutMs: 10_000 })))
    await worker.stop()`
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { cwd: repositoryDir })
  expect(JSON.parse(stdout)).toEqual({ greeting: 'hello you' })
})

interface Lock {
  readonly packages: Readonly<Record<string, { readonly version?: string }>>
}

/** The files that a .dockerignore of our form lets in: all are out but those named with `!`, less those named after. */
function contextOf(ignore: string): ReadonlySet<string> {
  const lines = ignore.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  expect(lines[0]).toBe('*')
  const context = new Set<string>()
  for (const line of lines.slice(1)) {
    const path = line.replace(/^!/, '')
    const files = globSync([path, `${path}/**/*`], { cwd: repositoryDir })
    for (const file of files) {
      if (line.startsWith('!')) context.add(file)
      else context.delete(file)
    }
  }
  return context
}

function isIn(context: ReadonlySet<string>, path: string): boolean {
  return [...context].some(file => file === path || file.startsWith(`${path}/`))
}
