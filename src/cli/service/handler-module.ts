// Loads the module that registers a worker's handlers: `errand worker --import ./activities.ts`.

import { createRequire } from 'node:module'
import { isAbsolute, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Client } from '../../client/client.ts'
import { ErrandError, saidBy } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { Worker } from '../../worker/worker.ts'

/** What a module's `register` is given beside the worker. */
export interface RegisterContext {
  /** For enqueues outside of handlers. */
  readonly client: Client
  readonly logger: Logger
  /** Aborts when the process is asked to stop. */
  readonly signal: AbortSignal
}

/**
 * What the module exports as `register` or as its default: calls `worker.handle(…)` for each type. What it gives back, if
 * anything, is called after the worker has stopped, such as to close a database.
 */
export type Register = (
  worker: Worker,
  context: RegisterContext,
) => void | (() => unknown) | Promise<void | (() => unknown)>

/**
 * Imports a module by its path (from the working directory) or its package's name, and gives its `register`. Throws
 * `invalid_argument` that says what was looked for and what was found.
 */
export async function loadRegister(specifier: string): Promise<Register> {
  const url = moduleUrl(specifier)
  let module: Readonly<Record<string, unknown>>
  try {
    module = (await import(url)) as Readonly<Record<string, unknown>>
  } catch (error) {
    throw refused(specifier, `cannot be imported from ${url}: ${saidBy(error)}`, error)
  }
  const register = module['register'] ?? module['default']
  if (typeof register === 'function') return register as Register
  const names = Object.keys(module)
  const has = names.length === 0 ? 'nothing' : names.join(', ')
  throw refused(specifier, `exports ${has}; it must export a function \`register(worker)\` that calls worker.handle(…)`)
}

function moduleUrl(specifier: string): string {
  if (specifier.startsWith('file:')) return specifier
  if (/^\.{1,2}[/\\]/.test(specifier) || isAbsolute(specifier) || /\.[cm]?[jt]s$/.test(specifier)) {
    return pathToFileURL(resolve(specifier)).href
  }
  try {
    // As if it were imported by a file in the working directory.
    return pathToFileURL(createRequire(join(process.cwd(), 'errand.js')).resolve(specifier)).href
  } catch (error) {
    throw refused(specifier, `is neither a path (./${specifier}) nor a package that is installed here`, error)
  }
}

function refused(specifier: string, why: string, cause?: unknown): ErrandError {
  return new ErrandError('invalid_argument', `--import ${specifier} ${why}.`, { details: { field: 'import' }, cause })
}
