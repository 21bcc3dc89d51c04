// A PostgreSQL for the peers that need one: a given one, else one that lives as long as the benchmark, in a process that
// ends it (postgres-process.ts) whatever becomes of this one.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { StackError } from '../scripts/stack/stack-error.ts'
import { ensureInstalled, POSTGRES_DIR } from '../scripts/npm-folder.ts'
import { findPostgres } from './postgres-programs.ts'
import { say } from './say.ts'

/** A server that answers. */
export interface RunningPostgres extends AsyncDisposable {
  /** `postgres://…`, with a user that may make schemas. */
  readonly url: string
}

const URL_VARIABLE = 'ERRAND_BENCH_POSTGRES_URL'
const WHAT_TO_DO = `install PostgreSQL (Debian: apt-get install postgresql) or set ${URL_VARIABLE} to one that runs`

/** A server of PostgreSQL. Throws {@link StackError} that says what to install when there is none. */
export async function openPostgres(env: Readonly<Record<string, string | undefined>>): Promise<RunningPostgres> {
  const given = env[URL_VARIABLE] ?? ''
  if (given !== '') return { url: given, [Symbol.asyncDispose]: () => Promise.resolve() }
  if (findPostgres() === undefined) await installPackage()
  return await startOwn()
}

async function installPackage(): Promise<void> {
  say('no PostgreSQL on this machine; taking one from a package')
  try {
    await ensureInstalled(POSTGRES_DIR)
  } catch (error) {
    throw new StackError(`graphile-worker needs a PostgreSQL: ${WHAT_TO_DO}`, { cause: error })
  }
  if (findPostgres() !== undefined) return
  throw new StackError(
    `graphile-worker needs a PostgreSQL, and no package has one for ${process.platform} ${process.arch}: ${WHAT_TO_DO}`,
  )
}

async function startOwn(): Promise<RunningPostgres> {
  const program = join(import.meta.dirname, 'postgres-process.ts')
  const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.on('error', () => undefined) // it ended; `exit` tells
  const ended = once(child, 'exit')
  const url = await Promise.race([
    once(createInterface({ input: child.stdout }), 'line').then(([line]) => String(line)),
    ended.then(() => undefined),
  ])
  if (url === undefined) throw new StackError(`PostgreSQL did not start; the reason is above. Or ${WHAT_TO_DO}`)
  return {
    url,
    async [Symbol.asyncDispose]() {
      child.stdin.end()
      await ended
    },
  }
}
