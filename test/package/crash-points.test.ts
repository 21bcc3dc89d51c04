// No crash point without a test: each is called somewhere in src/, and some process dies at it in the crash-point test.

import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { CRASH_POINTS } from '../../src/core/crash-point.ts'
import { CRASH_ROWS, MEANWHILES, SCENARIOS } from '../support/crash-rows.ts'

const SRC = fileURLToPath(new URL('../../src', import.meta.url))

test('a process dies at every crash point', () => {
  const points = CRASH_ROWS.flatMap(({ crashes }) => crashes.map(({ point }) => point))
  expect([...new Set(points)].sort()).toEqual([...CRASH_POINTS].sort())
})

test('every scenario and every meanwhile happens, and no two rows are the same', () => {
  const scenarios = CRASH_ROWS.flatMap(({ crashes }) => crashes.map(({ scenario }) => scenario))
  expect([...new Set(scenarios)].sort()).toEqual([...SCENARIOS].sort())
  expect([...new Set(CRASH_ROWS.map(row => row.meanwhile))].sort()).toEqual([...MEANWHILES].sort())
  expect(new Set(CRASH_ROWS.map(({ title }) => title)).size).toBe(CRASH_ROWS.length)
})

test('every crash point is called in src, and nothing else is', async () => {
  const files = (await readdir(SRC, { recursive: true })).filter(
    name => name.endsWith('.ts') && !name.endsWith('.test.ts'),
  )
  const sources = await Promise.all(files.map(name => readFile(join(SRC, name), 'utf8')))
  const called = sources.flatMap(source => [...source.matchAll(/\bcrashPoint\('([^']*)'\)/g)].map(match => match[1]))
  expect([...new Set(called)].sort()).toEqual([...CRASH_POINTS].sort())
})
