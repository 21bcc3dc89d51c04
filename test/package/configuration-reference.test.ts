// docs/reference/configuration.md says what the code reads: its table is what `errand config reference` prints.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { settingsReference } from '../../src/cli/config/reference.ts'
import { repositoryDir } from '../support/run-program.ts'

test('the page holds the reference as it is printed', async () => {
  const page = await readFile(join(repositoryDir, 'docs/reference/configuration.md'), 'utf8')
  const table = page.split('\n').filter(line => line.startsWith('|'))
  expect(table).toEqual(settingsReference().split('\n'))
})
