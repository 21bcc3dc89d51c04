// A stack of its own for a test that breaks things: brokers and Redis can be killed, paused and started again.

import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { ClientDoor } from './kafka-config.ts'
import { brokerProcess } from './kafka.ts'
import { type BrokerCount, brokerOf, ensureRedis, startBroker } from './local.ts'
import { repositoryDir } from './places.ts'
import { isRunning, type OwnProcess, signalProcess, type StackSignal } from './processes.ts'
import { copyRedis, eraseRedis, redisProcess, restoreRedis } from './redis.ts'
import { ensureStack, stopStack } from './stack.ts'
import { StackError } from './stack-error.ts'
import { type BrokerState, readState } from './state.ts'

/** A running stack that belongs to its caller alone. Its addresses stay the same through every restart. */
export interface PrivateStack extends AsyncDisposable {
  readonly kafkaBrokers: readonly string[]
  readonly redisUrl: string
  /** The brokers' ids (1, 2, 3) and ports. */
  readonly brokers: readonly { readonly id: number; readonly port: number; readonly clientDoor?: ClientDoor }[]
  readonly dataDir: string
  /** The pid of a broker's process, as last started; it may be gone. Throws {@link StackError} if it never was. */
  brokerPid(id: number): number
  /** As {@link PrivateStack.brokerPid}, for Redis. */
  redisPid(): number
  /**
   * Sends a signal to a broker and waits for its effect: gone (`SIGKILL`, `SIGTERM`), stopped (`SIGSTOP`), going on
   * (`SIGCONT`). @defaultValue SIGKILL. Throws {@link StackError} if the broker was not running: then nothing was broken.
   */
  killBroker(id: number, signal?: StackSignal): Promise<void>
  /**
   * Starts a broker and waits until it is a live member of the cluster; a running one is only awaited. After all were
   * killed, start them together (`Promise.all`): one of three alone has no quorum.
   */
  startBroker(id: number): Promise<void>
  /** As {@link PrivateStack.killBroker}, for Redis. */
  killRedis(signal?: StackSignal): Promise<void>
  /**
   * Starts Redis and waits for its PING. `isEmpty`: without the data that it had, as after the loss of its disk.
   * `copy`: with that of a {@link PrivateStack.copyRedis}, as after the restore of a backup.
   */
  startRedis(options?: { readonly isEmpty?: boolean; readonly copy?: string }): Promise<void>
  /** Copies what Redis has on its disk at this moment, running or not, and answers the copy's folder. */
  copyRedis(): string
  /** Ends all of it and removes its data. */
  stop(): Promise<void>
}

/** Options of {@link openPrivateStack}. */
export interface PrivateStackOptions {
  /** @defaultValue 1 */
  readonly brokers?: BrokerCount
  /** @defaultValue a new folder, which the test command looks after if the test does not come to stop it */
  readonly dataDir?: string
  /** Gives brokers a second door each, which tells clients to come by way of a proxy. @defaultValue false */
  readonly hasClientDoors?: boolean
}

/**
 * Starts a stack of processes that nobody else uses, whatever the environment gives: 3 to 4 s for one broker, about 8 s
 * for three. `await using stack = await openPrivateStack({ brokers: 3 })` stops it again.
 */
export async function openPrivateStack(options: PrivateStackOptions = {}): Promise<PrivateStack> {
  const dataDir = options.dataDir ?? newPrivateDir()
  const { kafkaBrokers, redisUrl, brokers } = await opened(dataDir, options)
  const stop = (): Promise<void> => stopStack({ dataDir })
  return {
    kafkaBrokers,
    redisUrl,
    brokers: brokers.map(({ id }) => withoutPid(brokerOf(dataDir, id))),
    dataDir,
    brokerPid: id => pidOf(`broker ${id}`, brokerOf(dataDir, id).pid),
    redisPid: () => pidOf('Redis', readState(dataDir)?.redis?.pid ?? null),
    killBroker: (id, signal = 'SIGKILL') =>
      signalRunning(`broker ${id}`, brokerProcess(brokerOf(dataDir, id), dataDir), signal),
    startBroker: id => startBroker(dataDir, id),
    killRedis: (signal = 'SIGKILL') => signalRunning('Redis', redisProcessOf(dataDir), signal),
    startRedis: async ({ isEmpty = false, copy } = {}) => {
      if (isEmpty) whileRedisIsAway(dataDir, () => eraseRedis(dataDir))
      if (copy !== undefined) whileRedisIsAway(dataDir, () => restoreRedis(dataDir, copy))
      await ensureRedis(dataDir, { outlivesFileLimit: true })
    },
    copyRedis: () => {
      const folder = join(dataDir, `redis-copy-${randomBytes(4).toString('hex')}`)
      copyRedis(dataDir, folder)
      return folder
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** The variable by which the test command says where private stacks go, so that it can stop what is left of them. */
export const PRIVATE_STACKS_DIR_VARIABLE = 'ERRAND_PRIVATE_STACKS_DIR'

function newPrivateDir(): string {
  const parent = process.env[PRIVATE_STACKS_DIR_VARIABLE] ?? join(repositoryDir, '.errand', 'private')
  return join(parent, randomBytes(4).toString('hex'))
}

async function opened(dataDir: string, options: PrivateStackOptions): ReturnType<typeof ensureStack> {
  try {
    return await ensureStack({ brokers: 1, ...options, dataDir, isPrivate: true })
  } catch (error) {
    await stopStack({ dataDir }) // whichever half came up
    throw error
  }
}

async function signalRunning(name: string, own: OwnProcess | undefined, signal: StackSignal): Promise<void> {
  if (own === undefined || !isRunning(own))
    throw new StackError(`${name} does not run, so ${signal} would change nothing`)
  await signalProcess(own, signal)
}

function redisProcessOf(dataDir: string): OwnProcess | undefined {
  const redis = readState(dataDir)?.redis ?? null
  return redis === null ? undefined : redisProcess(redis, dataDir)
}

function whileRedisIsAway(dataDir: string, change: () => void): void {
  const own = redisProcessOf(dataDir)
  if (own !== undefined && isRunning(own)) throw new StackError('Redis runs: kill it before its data is taken away')
  change()
}

function withoutPid({ id, port, clientDoor }: BrokerState): PrivateStack['brokers'][number] {
  return { id, port, ...(clientDoor === undefined ? {} : { clientDoor }) }
}

function pidOf(name: string, pid: number | null): number {
  if (pid === null) throw new StackError(`${name} was never started`)
  return pid
}
