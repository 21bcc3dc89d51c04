// Once for all browser tests: a browser is found and the pages are built, each into a folder of this run.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { buildConsoleUi } from '../../scripts/build-console-ui.ts'
import type { FoundChromium } from '../../scripts/chromium.ts'
import { ensureChromium } from '../../scripts/chromium.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The browser, or why there is none: then the tests are skipped. */
    chromium: FoundChromium
    /** The folder of the built pages. */
    pages: string
  }
}

/** Called by vitest. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const chromium = ensureChromium()
  if (chromium.reason !== null) process.stderr.write(`browser tests are SKIPPED: ${chromium.reason}\n`)
  const folder = await mkdtemp(join(tmpdir(), 'errand-pages-'))
  await buildConsoleUi(folder)
  project.provide('chromium', chromium)
  project.provide('pages', folder)
  return () => rm(folder, { recursive: true, force: true })
}
