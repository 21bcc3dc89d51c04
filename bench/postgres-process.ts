// A PostgreSQL of its own as a process: data in a temporary folder, settings as `initdb` leaves them (so fsync is on).
// Prints its URL once it answers. When its stdin ends it ends the server and removes the folder: also if who started it
// was killed.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chownSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { createInterface } from 'node:readline'
import { choosePorts } from '../scripts/stack/ports.ts'
import { findPostgres, type PostgresPrograms } from './postgres-programs.ts'

interface Owner {
  readonly uid: number
  readonly gid: number
}

/** PostgreSQL refuses to be root's, so one of these has to have it then. */
const OTHER_USERS = ['postgres', 'nobody']
/** Below it, because /tmp may be memory, where fsync is free. */
const DISK_DIR = '/var/tmp'

// A signal that reaches the whole group, as Ctrl-C does, must not leave the server or its folder behind.
const told = Promise.race([
  once(process.stdin.resume(), 'end'),
  ...['SIGINT', 'SIGTERM', 'SIGHUP'].map(signal => once(process, signal)),
])
const programs = findPostgres()
if (programs === undefined) throw new Error('no PostgreSQL is installed')
const owner = process.getuid?.() === 0 ? otherUser() : undefined
const folder = mkdtempSync(join(existsSync(DISK_DIR) ? DISK_DIR : tmpdir(), 'errand-bench-postgres-'))
try {
  if (owner !== undefined) chownSync(folder, owner.uid, owner.gid)
  const binDir = usableBinDir(programs)
  const password = randomBytes(12).toString('hex')
  initialise(binDir, password)
  const [port = 0] = await choosePorts(1)
  const server = startServer(binDir, port)
  const ended = once(server, 'exit')
  await untilReady(server, ended)
  process.stdout.write(`postgres://bench:${password}@127.0.0.1:${port}/postgres\n`)
  await Promise.race([told, ended])
  server.kill('SIGINT') // ends connections and itself
  await ended
} finally {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}

/** A package's programs are copied: whose the server is may not read the repository, and links do not survive npm. */
function usableBinDir({ binDir, packageDir }: PostgresPrograms): string {
  if (packageDir === undefined) return binDir
  const copy = join(folder, 'native')
  cpSync(packageDir, copy, { recursive: true })
  const links: readonly { source: string; target: string }[] = JSON.parse(
    readFileSync(join(copy, 'pg-symlinks.json'), 'utf8'),
  )
  for (const { source, target } of links) {
    const place = join(folder, target)
    if (!existsSync(place)) symlinkSync(relative(dirname(target), source), place)
  }
  return join(copy, 'bin')
}

function initialise(binDir: string, password: string): void {
  const passwordFile = join(folder, 'password')
  writeFileSync(passwordFile, password, { mode: 0o600 })
  if (owner !== undefined) chownSync(passwordFile, owner.uid, owner.gid)
  const args = ['-D', join(folder, 'data'), '-U', 'bench', '--auth=scram-sha-256', `--pwfile=${passwordFile}`]
  const { status, stderr } = spawnSync(join(binDir, 'initdb'), [...args, '--locale=C', '-E', 'UTF8', '--no-sync'], {
    cwd: folder,
    encoding: 'utf8',
    ...owner,
  })
  if (status !== 0) throw new Error(`initdb failed with exit code ${status}: ${stderr}`)
}

function startServer(binDir: string, port: number): ChildProcess {
  const args = ['-D', join(folder, 'data'), '-h', '127.0.0.1', '-p', String(port), '-k', '']
  return spawn(join(binDir, 'postgres'), args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'], ...owner })
}

/** Its log says when it answers, and otherwise why it does not. */
async function untilReady(server: ChildProcess, ended: Promise<unknown>): Promise<void> {
  const lines: string[] = []
  const ready = Promise.withResolvers<void>()
  if (server.stderr !== null) {
    createInterface({ input: server.stderr }).on('line', line => {
      if (lines.length < 50) lines.push(line)
      if (line.includes('ready to accept connections')) ready.resolve()
    })
  }
  const isReady = await Promise.race([ready.promise.then(() => true), ended.then(() => false)])
  if (!isReady) throw new Error(`PostgreSQL ended: ${lines.join('\n')}`)
}

function otherUser(): Owner {
  const rows = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map(line => line.split(':'))
  const row = OTHER_USERS.map(name => rows.find(([user]) => user === name)).find(each => each !== undefined)
  if (row === undefined)
    throw new Error(`PostgreSQL refuses to run as root, and there is no user ${OTHER_USERS.join(' or ')}`)
  return { uid: Number(row[2]), gid: Number(row[3]) }
}
