import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, test } from 'vitest'
import { dropTopics } from '../support/drop-topics.ts'
import { readOrdersTable } from '../support/orders-table.ts'
import type { Ended } from '../support/run-program.ts'
import { repositoryDir, runNode, runVerb } from '../support/run-program.ts'
import { freshNamespace, kafkaBrokers, redisUrl } from '../support/stack.ts'

const PAGES = ['README.md', 'examples/orders/README.md', 'bench/README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md']
const readme = await readFile(join(repositoryDir, 'README.md'), 'utf8')
const [hello = '', kafka = ''] = codeOf(readme, 'ts')

/** The doors, as the package names them, and their sources. */
const DOORS = [
  ['errand/memory', 'src/storage/memory/index.ts'],
  ['errand/kafka', 'src/storage/kafka/index.ts'],
  ['errand', 'src/index.ts'],
] as const

function codeOf(markdown: string, language: string): string[] {
  return [...markdown.matchAll(/^```(\w+)\n([\s\S]*?)\n```$/gm)].flatMap(([, named, code]) =>
    named === language && code !== undefined ? [code] : [],
  )
}

/** Runs a program that imports the doors by name; it stands inside the repository, where zod is found. */
async function runProgram(source: string): Promise<Ended> {
  await mkdir(join(repositoryDir, '.errand'), { recursive: true })
  const folder = await mkdtemp(join(repositoryDir, '.errand', 'readme-'))
  try {
    const program = join(folder, 'program.ts')
    const urlOf = (path: string): string => `'${pathToFileURL(join(repositoryDir, path)).href}'`
    await writeFile(
      program,
      DOORS.reduce((text, [door, path]) => text.replaceAll(`'${door}'`, urlOf(path)), source),
    )
    return await runNode([program])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

describe('the README', () => {
  test('its first program is examples/hello.ts, which gives the output that it says', async () => {
    const example = await readFile(join(repositoryDir, 'examples', 'hello.ts'), 'utf8')
    const doors = DOORS.reduce((text, [door, path]) => text.replaceAll(`'../${path}'`, `'${door}'`), example)
    expect(hello).toBe(doors.trimEnd())
    const { exitCode, stdout, stderr } = await runProgram(hello)
    expect({ exitCode, stdout, stderr }).toEqual({ exitCode: 0, stdout: "{ receiptId: 'receipt-42' }\n", stderr: '' })
    expect(readme).toContain("It prints `{ receiptId: 'receipt-42' }`")
  })

  test('with its other storage the same program does the same on Kafka and Redis', async () => {
    const namespace = freshNamespace()
    const onKafka = kafka
      .replace("'shop'", `'${namespace}'`)
      .replace("['localhost:9092']", JSON.stringify(kafkaBrokers()))
      .replace("'redis://localhost:6379'", `'${redisUrl()}'`)
    const [imports, open] = onKafka.split('\n\n')
    const program = hello
      .replace("import { MemoryStorage } from 'errand/memory'", imports ?? '')
      .replace('await using storage = new MemoryStorage()', open ?? '')
    expect(program).not.toContain('MemoryStorage')
    const { exitCode, stdout, stderr } = await runProgram(program)
    expect({ exitCode, stdout, stderr }).toEqual({ exitCode: 0, stdout: "{ receiptId: 'receipt-42' }\n", stderr: '' })
    await dropTopics(namespace)
  })

  test('the output that it shows is what the example comes to, but for times', async () => {
    const shown = readOrdersTable(codeOf(readme, 'text').join('\n'))
    expect(shown.size).toBe(6)
    const { exitCode, stdout } = await runVerb('start', ['--storage', 'memory'])
    expect(exitCode).toBe(0)
    expect(readOrdersTable(stdout)).toEqual(shown)
  })

  test('its program for the driver and its help work as they are written', async () => {
    const driver = await runVerb('driver', ['--storage', 'memory'])
    expect(driver.exitCode, driver.stderr).toBe(0)
    expect((await runVerb('start', ['--help'])).stdout).toContain('npm start -- --file')
    expect((await runVerb('stack', ['--help'])).stdout).toContain('npm run stack -- up')
  })
})

describe.each(PAGES)('%s', page => {
  const pagePath = join(repositoryDir, page)

  test('links only to what is there', async () => {
    const links = [...(await readFile(pagePath, 'utf8')).matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map(
      ([, target = '']) => target,
    )
    const relative = links.filter(target => !/^[a-z]+:/.test(target))
    expect(relative.filter(target => !existsSync(join(dirname(pagePath), target)))).toEqual([])
  })

  test('names only npm scripts that there are', async () => {
    const { scripts }: { scripts: Record<string, string> } = JSON.parse(
      await readFile(join(repositoryDir, 'package.json'), 'utf8'),
    )
    const text = await readFile(pagePath, 'utf8')
    const named = [...text.matchAll(/\bnpm run (?:--silent )?([\w:-]+)/g)].map(([, name = '']) => name)
    expect(named.filter(name => !(name in scripts))).toEqual([])
  })
})
