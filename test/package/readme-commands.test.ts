// The commands under "Running it" in the README, run in its order as they are written, on a real Kafka and Redis.

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { initFiles } from '../../src/cli/init/files.ts'
import { pathToFileURL } from 'node:url'
import { CLI, CliProcess } from '../support/cli-process.ts'
import { dropTopics } from '../support/drop-topics.ts'
import { repositoryDir, runNode } from '../support/run-program.ts'
import { freshNamespace, kafkaBrokers, redisUrl } from '../support/stack.ts'

const namespace = freshNamespace()
const env = {
  ERRAND_NAMESPACE: namespace,
  ERRAND_KAFKA_BROKERS: kafkaBrokers().join(','),
  ERRAND_REDIS_URL: redisUrl(),
}
const ENDLESS = new Set(['worker', 'reaper', 'console'])
let folder = ''

beforeAll(async () => {
  // The files that `errand init` writes, importing the sources instead of an installed package.
  await mkdir(join(repositoryDir, '.errand'), { recursive: true })
  folder = await mkdtemp(join(repositoryDir, '.errand', 'readme-commands-'))
  for (const [name, text] of initFiles('0.1.0')) {
    if (!name.endsWith('.ts')) continue
    const door = pathToFileURL(join(repositoryDir, 'src/index.ts')).href
    await writeFile(join(folder, name), text.replaceAll("from 'errand'", `from '${door}'`))
  }
})

afterAll(async () => {
  await dropTopics(namespace)
  await rm(folder, { recursive: true, force: true })
})

test('each does what it says', async () => {
  const readme = await readFile(join(repositoryDir, 'README.md'), 'utf8')
  const [, section = ''] = readme.split('\n## Running it\n')
  const [, block = ''] = /```sh\n([\s\S]*?)```/.exec(section) ?? []
  const commands = block.split('\n').filter(line => line.startsWith('errand '))
  expect(commands.length).toBeGreaterThan(6)
  await using running = new AsyncDisposableStack()
  let id = ''
  for (const line of commands) {
    const args = wordsOf(line.replace(/\s+#.*$/, '').replace('<id>', id)).slice(1)
    if (ENDLESS.has(args[0] ?? '')) {
      const service = running.use(new CliProcess([...args, '--http-port', '0'], { env, cwd: folder }))
      await service.heard('stderr', /errand-\w+ runs/)
      continue
    }
    const { exitCode, stdout, stderr } = await runNode([CLI, ...args, '--json'], { env })
    // A doctor that finds a single broker says so; all else succeeds.
    expect([0, ...(args[0] === 'doctor' ? [7] : [])], `${line}\n${stdout}\n${stderr}`).toContain(exitCode)
    id = /"id": ?"([0-9a-f-]{36})"/.exec(stdout)?.[1] ?? id
  }
  expect(id).not.toBe('')
})

/** Words of a line as a shell would see them; single quotes only. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, word]) => quoted ?? word ?? '')
}
