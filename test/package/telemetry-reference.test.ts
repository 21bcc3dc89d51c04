// docs/operating/telemetry.md names every figure that the code makes, with its unit and in the code's words, and no other.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { COUNTERS, DURATIONS, GAUGES } from '../../src/telemetry/semantic-conventions.ts'
import { repositoryDir } from '../support/run-program.ts'

const FIGURES = [
  ...Object.values(COUNTERS).map(({ name, unit, description }) => ({ name, kind: 'counter', unit, description })),
  ...Object.values(DURATIONS).map(({ name, description }) => ({ name, kind: 'histogram', unit: 's', description })),
  ...Object.values(GAUGES).map(({ name, unit, description }) => ({ name, kind: 'gauge', unit, description })),
]

test('the table of figures is the one in the code', async () => {
  const page = await readFile(join(repositoryDir, 'docs/operating/telemetry.md'), 'utf8')
  const rows = page.split('\n').filter(line => /^\| `(errand|messaging)\./.test(line))
  const wanted = FIGURES.map(
    ({ name, kind, unit, description }) =>
      `| \`${name}\` | ${kind} | ${unit.replaceAll(/[{}]/g, '')} | ${description} |`,
  )
  expect(rows).toEqual([...new Set(wanted)])
})
