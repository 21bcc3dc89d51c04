// Redis as a process of this machine.

import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { logTail } from './log-tail.ts'
import { fetchJars } from './maven.ts'
import { redisAnswers } from './probe.ts'
import { isRunning, type OwnProcess, startDetached } from './processes.ts'
import { canInstall, findProgram, installed } from './programs.ts'
import { say } from './say.ts'
import { StackError } from './stack-error.ts'
import type { RedisState } from './state.ts'
import { waitUntil } from './wait.ts'
import { readZipEntry } from './zip.ts'

const START_DEADLINE_MS = 30_000
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

/** Starts the server and answers its pid. Kept data is loaded. */
export function startRedisProcess(server: string, redis: RedisState, dataDir: string): Promise<number> {
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
  return startDetached(server, args, redisLog(dataDir))
}

/** Forgets all that Redis has written; it must not run. */
export function eraseRedis(dataDir: string): void {
  rmSync(redisDir(dataDir), { recursive: true, force: true })
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
