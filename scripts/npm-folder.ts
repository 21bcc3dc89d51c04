// Folders of packages that are not the repository's own: installed when they are needed, by their own lock file.

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { withLock } from './stack/lock.ts'
import { repositoryDir } from './stack/places.ts'
import { StackError } from './stack/stack-error.ts'

/** The folder of the peers' packages. */
export const PEERS_DIR: string = join(repositoryDir, 'bench', 'peers')
/** The folder of PostgreSQL's programs. */
export const POSTGRES_DIR: string = join(PEERS_DIR, 'postgres')

interface Lock {
  readonly packages?: Readonly<Record<string, { readonly version?: string; readonly optional?: boolean }>>
}

/** Whether what is installed in the folder is what its lock file says. */
export function isInstalled(folder: string): boolean {
  const record = join(folder, 'node_modules', '.package-lock.json')
  if (!existsSync(record)) return false
  const installed = readLock(record).packages ?? {}
  const wanted = readLock(join(folder, 'package-lock.json')).packages ?? {}
  return Object.entries(wanted).every(([path, { version, optional }]) => {
    if (path === '') return true
    // Optional packages are those of other platforms: absent is right, another version is not.
    return installed[path] === undefined ? optional === true : installed[path].version === version
  })
}

/** Installs what is missing in the folder, and says so. Throws {@link StackError} when npm cannot. */
export async function ensureInstalled(folder: string): Promise<void> {
  await withLock(join(repositoryDir, '.errand', 'bench-install.lock'), async () => {
    if (isInstalled(folder)) return
    const name = relative(repositoryDir, folder)
    process.stderr.write(`${name}/node_modules is not what its lock file says; running npm ci there (once)\n`)
    // Nothing that is installed here needs its install scripts, so none is run.
    const args = ['ci', '--ignore-scripts', '--loglevel=error']
    const isWindows = process.platform === 'win32'
    const npm = isWindows ? 'npm.cmd' : 'npm'
    const { status, error } = spawnSync(npm, args, { cwd: folder, stdio: ['ignore', 2, 2], shell: isWindows })
    if (error !== undefined) throw new StackError(`npm could not be started (${error.message}); install it`)
    if (status !== 0) throw new StackError(`npm ci in ${name} failed with exit code ${status}; its output is above`)
    await Promise.resolve()
  })
}

function readLock(file: string): Lock {
  return JSON.parse(readFileSync(file, 'utf8'))
}
