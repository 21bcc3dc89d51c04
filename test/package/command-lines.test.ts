// Every command line of `errand` that a page, a hint or a help text names can be given as it stands there.

import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { askCommands } from '../support/cli-commands.ts'
import { wrongLines } from '../support/errand-lines.ts'
import { repositoryDir } from '../support/run-program.ts'

const PLACES = ['src/**/*.ts', 'src/**/*.tsx', 'observability/*.ts', 'docs/**/*.md', 'examples/**/*.md', 'README.md']
const { commands } = askCommands()
const files = PLACES.flatMap(place => globSync(place, { cwd: repositoryDir })).filter(
  file => !file.endsWith('.test.ts'),
)

test('there is every command and option that sources and pages name', () => {
  const wrong = files.flatMap(file =>
    wrongLines(readFileSync(join(repositoryDir, file), 'utf8'), commands).map(what => `${file}: ${what}`),
  )
  expect(wrong).toEqual([])
  expect(files.length).toBeGreaterThan(100)
})

test.each([
  [
    'an option of another command',
    'fix: `\\`errand stats --types ${type}\\` and',
    'errand stats --types …: there is no --types',
  ],
  ['an option that there never was', '"errand console --kafka-brokers localhost:9092"', '--kafka-brokers'],
  [
    'a command that there is not',
    'Run `errand dlq redriven`, or `errand statistics`.',
    'errand statistics: there is no such command',
  ],
  ['one behind a line break', 'errand topics apply \\\n  --type mail', 'there is no --type'],
  ['one behind what is quoted', `errand enqueue a '{"b":";"}' --prio high`, 'there is no --prio'],
  ['one of a group', '`errand ops --all`', 'there is no --all'],
])('%s would be found', (_, text, says) => {
  expect(wrongLines(text, commands).join('\n')).toContain(says)
})

test.each([
  'what errand reads --like this',
  '`errand <command> --help`',
  '`errand ${name} --anything`',
  'errand list -o jsonl | jq --compact-output',
  'errand dlq redrive --fingerprint 5c0f --dry-run --brokers k:9092 --verbose',
])('%s is fine', text => {
  expect(wrongLines(text, commands)).toEqual([])
})
