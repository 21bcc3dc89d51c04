// Every regex of the sources, against texts made to let it backtrack: none takes long, so none can be used to stop a process.

import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { afterAll, expect, test } from 'vitest'
import { parseAst } from 'vitest/node'
import { systemClock } from '../../src/core/clock.ts'
import type { AttackAnswer, RegexSource } from '../support/regex-attack.ts'
import { repositoryDir } from '../support/run-program.ts'

/** The square of it is seconds of work; a few hundred times as many steps are a few milliseconds'. */
const CHARS = 30_000
const MS_MAX = 300
/** All attacks on a regex that is safe end long before. */
const END_MS_MAX = 1_000
/** Too many ways to go are told apart from many at a length that still ends. */
const SHORT_CHARS = 26

const THREAD = fileURLToPath(new URL('../support/regex-attack.ts', import.meta.url))
let thread: Worker | undefined
afterAll(() => thread?.terminate())

interface Found extends RegexSource {
  readonly file: string
  readonly shown: string
}

/** The regexes in the sources, each once. */
function regexes(): Found[] {
  const found = new Map<string, Found>()
  for (const file of globSync(['src/**/*.ts', 'scripts/**/*.ts'], { cwd: repositoryDir })) {
    if (file.endsWith('.test.ts')) continue
    const collect = (_: string, value: unknown): unknown => {
      if (typeof value === 'bigint') return String(value)
      if (typeof value !== 'object' || value === null || !('regex' in value)) return value
      const { pattern, flags } = value.regex as RegexSource
      const shown = `/${pattern}/${flags}`
      found.set(shown, { pattern, flags, file, shown })
      return undefined
    }
    JSON.stringify(parseAst(readFileSync(`${repositoryDir}/${file}`, 'utf8'), { lang: 'ts' }), collect)
  }
  return [...found.values()]
}

/** How long the worst attack of a length takes; Infinity when it does not end. */
async function worst(source: RegexSource, chars: number): Promise<number> {
  const current = (thread ??= new Worker(THREAD))
  const { promise, resolve } = Promise.withResolvers<number>()
  const onAnswer = ({ worstMs }: AttackAnswer): void => resolve(worstMs)
  const cancel = systemClock.after(END_MS_MAX, () => resolve(Number.POSITIVE_INFINITY))
  current.once('message', onAnswer)
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  current.postMessage({ ...source, chars })
  const ms = await promise
  cancel()
  if (ms === Number.POSITIVE_INFINITY) {
    await current.terminate()
    thread = undefined
  }
  return ms
}

async function isSlow(source: RegexSource): Promise<boolean> {
  return (await worst(source, SHORT_CHARS)) > MS_MAX || (await worst(source, CHARS)) > MS_MAX
}

const all = regexes()

test('the regexes are found, and none is made from a text that nobody has looked at', () => {
  expect(all.map(({ shown }) => shown)).toContain('/^[A-Za-z][A-Za-z0-9_-]{0,63}$/')
  expect(all.length).toBeGreaterThan(30)
  const sources = globSync('src/**/*.ts', { cwd: repositoryDir }).filter(file => !file.endsWith('.test.ts'))
  const making = sources.filter(file => readFileSync(`${repositoryDir}/${file}`, 'utf8').includes('RegExp('))
  expect(making).toEqual([])
})

test.each([
  ['^(a+)+$', ''],
  ['^(a|aa)+$', ''],
  ['[.\\s]+$', ''],
  ['^v: (\\d+|[0-9a-f]+)*$', 'm'],
])('an attack is found on /%s/%s', async (pattern, flags) => {
  expect(await isSlow({ pattern, flags })).toBe(true)
})

test.each(all)('$shown of $file is safe', async source => {
  // The machine may have been busy elsewhere: three times in a row it is the regex.
  expect((await isSlow(source)) && (await isSlow(source)) && (await isSlow(source))).toBe(false)
})
