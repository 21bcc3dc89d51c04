// Where the stack keeps things.

import { accessSync, constants, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The repository's root. */
export const repositoryDir: string = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** Where `npm run stack` keeps its data and what it remembers. */
export const defaultDataDir: string = join(repositoryDir, '.errand', 'stack')

/**
 * Where downloads are kept: one folder for all clones of a user, so that the second clone has nothing to wait for;
 * inside the repository where the home directory cannot be written.
 */
export function cacheDir(): string {
  const shared = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'errand')
  return isWritable(shared) ? shared : join(repositoryDir, '.errand', 'cache')
}

function isWritable(folder: string): boolean {
  try {
    mkdirSync(folder, { recursive: true })
    accessSync(folder, constants.W_OK)
    return true
  } catch {
    return false
  }
}
