// A Chromium for the browser tests and the screenshots: one that is named, one that is there, or, where that is allowed, Debian's.
// Nothing is downloaded but by the machine's own package manager.

import { spawnSync } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { say } from './stack/say.ts'

/** A browser, or why there is none. */
export type FoundChromium =
  | { readonly path: string; readonly reason: null }
  | { readonly path: null; readonly reason: string }

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const FOLDERS = ['/usr/bin', '/usr/local/bin', '/snap/bin']
const MAC = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'
/** What playwright downloads, where somebody uses it for other work. */
const CACHES = ['.cache/ms-playwright', 'Library/Caches/ms-playwright'].map(folder => join(homedir(), folder))
const INSTALL_MS_MAX = 300_000

/** As root, which containers have, sandboxes cannot be; the rest keeps it from talking to anybody. */
export const CHROMIUM_ARGS: readonly string[] = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-dev-shm-usage'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
]

/** Finds one. Installs it where none is there, apt is, and this runs as root, unless ERRAND_NO_INSTALL is set. */
export function ensureChromium(): FoundChromium {
  const named = process.env['CHROMIUM_PATH']
  if (named !== undefined && named !== '') {
    if (existsSync(named)) return { path: named, reason: null }
    return { path: null, reason: `CHROMIUM_PATH is ${named}, and nothing is there` }
  }
  const there = thereAlready()
  if (there !== undefined) return { path: there, reason: null }
  const refusal = whyNotInstall()
  if (refusal !== null) return none(refusal)
  say('no Chromium for the browser tests: installing the one of Debian (once)')
  const apt = (...args: string[]): boolean =>
    spawnSync('apt-get', args, {
      ...{ stdio: ['ignore', 'ignore', 2], timeout: INSTALL_MS_MAX },
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    }).status === 0
  const install = ['install', '-y', '--no-install-recommends', 'chromium']
  if (!apt(...install)) apt('-q', 'update')
  if (thereAlready() === undefined) apt(...install)
  const installed = thereAlready()
  return installed === undefined ? none('apt-get could not install it') : { path: installed, reason: null }
}

function thereAlready(): string | undefined {
  const cached = CACHES.flatMap(cache =>
    existsSync(cache) ? globSync('chromium-*/chrome-*/chrome', { cwd: cache }).map(name => join(cache, name)) : [],
  )
  return [...FOLDERS.flatMap(folder => NAMES.map(name => join(folder, name))), MAC, ...cached].find(path =>
    existsSync(path),
  )
}

function whyNotInstall(): string | null {
  if (process.env['ERRAND_NO_INSTALL'] !== undefined) return 'ERRAND_NO_INSTALL forbids to install it'
  if (!existsSync('/usr/bin/apt-get')) return 'there is no apt-get to install it with'
  return process.getuid?.() === 0 ? null : 'only root may install it'
}

function none(why: string): FoundChromium {
  return { path: null, reason: `no Chromium: set CHROMIUM_PATH or install chromium (${why})` }
}
