// docs/operating/doctor.md is for whoever is told of a finding: its table and the rules must agree.

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { RULES } from './diagnosis.ts'

const page = readFileSync(new URL('../../docs/operating/doctor.md', import.meta.url), 'utf8')

test('the page lists every finding, in the order of the rules, with where it is, how bad it is, and what it means', () => {
  const rows = page.split('\n').filter(line => line.startsWith('| `'))
  expect(rows).toEqual(
    RULES.map(({ id, source, severities, about }) => `| \`${id}\` | ${source} | ${severities.join(', ')} | ${about} |`),
  )
})
