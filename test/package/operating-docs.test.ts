// The pages for operators: what they name is there. Whether what they say is true is for other tests, which they name.

import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { ALERTS } from '../../observability/alerts.ts'
import { METRICS } from '../../observability/metrics.ts'
import { SETTINGS } from '../../src/cli/config/settings.ts'
import { seriesOf } from '../support/promql-check.ts'
import { repositoryDir, runNode } from '../support/run-program.ts'

/** Of the compose file, the one that a Kubernetes Service would make, and one of the tests. */
const NO_SETTINGS = /^ERRAND_COMPOSE|^ERRAND_CONSOLE_PORT$|^ERRAND_PROMTOOL$/
const DIR = 'docs/operating'
const pages = readdirSync(join(repositoryDir, DIR))
  .filter(file => file.endsWith('.md'))
  .map(file => ({ file, text: readFileSync(join(repositoryDir, DIR, file), 'utf8') }))

let commands: readonly string[] = []
beforeAll(async () => {
  // By a process of its own: the test runner cannot load them all.
  const list =
    "import('./src/cli/commands/index.ts').then(m => console.log(JSON.stringify(m.COMMANDS.map(c => c.name))))"
  const { stdout } = await runNode(['--input-type=module', '-e', list])
  commands = JSON.parse(stdout) as string[]
})

describe.each(pages)('$file', ({ file, text }) => {
  test('links to what is there', () => {
    const targets = [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, target = '']) => target)
    expect(targets.filter(target => !existsSync(join(repositoryDir, dirname(`${DIR}/${file}`), target)))).toEqual([])
  })

  test('names commands that there are', () => {
    const named = [...text.matchAll(/`errand ([a-z][a-z -]*)/g)].map(([, words = '']) => words.trim())
    // Arguments may follow a command's name.
    const unknown = named.filter(words => !commands.some(name => `${words} `.startsWith(`${name} `)))
    expect([...new Set(unknown)]).toEqual([])
  })

  test('names variables that are read', () => {
    const known = new Set(SETTINGS.map(({ env }) => env))
    const named = [...text.matchAll(/\b(ERRAND_[A-Z_]+[A-Z])\b(?!_?\*)/g)].map(([, name = '']) => name)
    expect([...new Set(named)].filter(name => !known.has(name) && !NO_SETTINGS.test(name))).toEqual([])
  })

  test('names figures that are told', () => {
    const known = new Set(Object.values(METRICS).flatMap(seriesOf))
    const named = [...text.matchAll(/`(errand_[a-z_]+[a-z])`/g)].map(([, name = '']) => name)
    expect([...new Set(named)].filter(name => !known.has(name))).toEqual([])
  })
})

test.each(ALERTS)('$alert sends to commands that there are', ({ annotations: { description } }) => {
  const named = [...description.matchAll(/\berrand ((?:dlq |ops |topics )?[a-z]+)/g)].map(([, name = '']) => name)
  expect(named.filter(name => !commands.includes(name))).toEqual([])
  expect(named).not.toEqual([])
})

test('every page is in the index', () => {
  const index = pages.find(({ file }) => file === 'README.md')?.text ?? ''
  const missing = pages.map(({ file }) => file).filter(file => file !== 'README.md' && !index.includes(`(${file})`))
  expect(missing).toEqual([])
})
