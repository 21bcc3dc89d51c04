// The console's pages: from src/console/ui to a folder, by vite. Addresses in them are relative, so that they work under any path.

import { join } from 'node:path'
import { build } from 'vite'
import { repositoryDir } from './stack/places.ts'

const source = join(repositoryDir, 'src', 'console', 'ui')

/** Bundles the pages into a folder, whose content is replaced. Rejects with what is wrong with them. */
export async function buildConsoleUi(outDir: string): Promise<void> {
  await build({
    ...{ root: source, base: './', configFile: false, logLevel: 'error', envDir: false },
    // The policy of the pages allows no inline scripts or data of other kinds: everything stays a file.
    build: { outDir, emptyOutDir: true, target: 'es2022', assetsInlineLimit: 0, modulePreload: { polyfill: false } },
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  })
}
