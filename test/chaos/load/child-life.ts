// The life of a process of the load, whatever it does: it opens the storage however long that takes, works until it is told to
// stop, closes, and says so. What it logs goes to its stderr, which is a file.

import { systemClock } from '../../../src/core/clock.ts'
import type { Logger } from '../../../src/core/logger.ts'
import { isErrandError } from '../../../src/core/errors.ts'
import { KafkaStorage } from '../../../src/storage/kafka/index.ts'
import type { Storage } from '../../../src/storage/storage.ts'
import { stopSignals } from '../../../src/worker/stop-signals.ts'
import { mono } from '../evidence.ts'
import type { LoadChildConfig, LoadMessage } from './child-config.ts'
import { LOAD_TYPES } from './child-config.ts'

/** Exit code of a process whose consumer will never fetch again. */
export const CONSUMER_DEAD_EXIT_CODE = 70
const OPEN_PAUSE_MS = 500

/** What the work of a process gets. */
export interface LoadLife {
  readonly config: LoadChildConfig
  readonly storage: Storage
  readonly logger: Logger
  /** Aborted when it is to stop. */
  readonly stopping: AbortSignal
  /** To be called once it works. */
  readonly ready: () => void
}

/**
 * Lives the life of a process. Work that throws `unavailable` (or another error for which trying again may help) before it is
 * ready begins again with a new storage; any other error ends the process with a code that is not zero.
 */
export async function live(work: (life: LoadLife) => Promise<void>): Promise<void> {
  const config = JSON.parse(process.argv[2] ?? '') as LoadChildConfig
  const stopping = stopWish()
  let isReady = false
  let stage = 'works'
  // Asked when it does not end: what it waits for, and what keeps the process alive.
  process.on('SIGUSR2', () =>
    stderrLogger.error('it was asked what it does', { stage, isStopping: stopping.aborted, ...lifelines() }),
  )
  const ready = (): void => {
    isReady = true
    say({ event: 'ready' })
  }
  while (!stopping.aborted) {
    const storage = await openStorage(config, stopping)
    if (storage === undefined) break
    try {
      await work({ config, storage, logger: stderrLogger, stopping, ready })
      break
    } catch (error) {
      if (isReady || !isPassing(error)) throw error
      stderrLogger.warn('it could not begin; it begins again', { error: String(error) })
    } finally {
      stage = 'closes its storage'
      await storage.close()
      stage = 'has closed its storage'
    }
    await pause(OPEN_PAUSE_MS, stopping)
  }
  say({ event: 'stopped' })
  process.disconnect?.()
}

function lifelines(): { readonly resources: string } {
  const counts = new Map<string, number>()
  for (const resource of process.getActiveResourcesInfo()) counts.set(resource, (counts.get(resource) ?? 0) + 1)
  return { resources: [...counts].map(([name, count]) => `${count} ${name}`).join(', ') }
}

/** Sleeps; false when the signal ended the sleep. */
export async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await systemClock.sleep(ms, { signal })
    return true
  } catch (error) {
    if (isErrandError(error, 'cancelled')) return false
    throw error
  }
}

/** A process whose parent has gone is of no use to anybody. */
function stopWish(): AbortSignal {
  const orphaned = new AbortController()
  process.once('disconnect', () => orphaned.abort())
  return AbortSignal.any([stopSignals(), orphaned.signal])
}

async function openStorage(config: LoadChildConfig, stopping: AbortSignal): Promise<KafkaStorage | undefined> {
  const { namespace, brokers, redisUrl, partitions, replicationFactor, sessionTimeoutMs } = config
  const replicas =
    replicationFactor === null ? {} : { replicationFactor, ...(replicationFactor >= 3 ? { minInsyncReplicas: 2 } : {}) }
  for (;;) {
    if (stopping.aborted) return undefined
    try {
      const options = { namespace, brokers, redisUrl, partitions, sessionTimeoutMs, ...replicas }
      const storage = await KafkaStorage.open({ ...options, commitIntervalMs: 500, logger: stderrLogger })
      try {
        await storage.declareTypes({ types: LOAD_TYPES })
        return storage
      } catch (error) {
        await storage.close()
        throw error
      }
    } catch (error) {
      if (!isPassing(error)) throw error
      stderrLogger.warn('the storage could not be opened; tried again', { error: String(error) })
      await pause(OPEN_PAUSE_MS, stopping)
    }
  }
}

/** Faults make servers answer in many ways; only what no fault explains is worth dying of. */
function isPassing(error: unknown): boolean {
  return isErrandError(error) && !(['invalid_argument', 'internal'] as const).some(code => isErrandError(error, code))
}

/** Warnings and errors as lines of JSON. A consumer that is dead for good takes its process with it, so that it is noticed. */
const stderrLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: (message, fields) => log('warn', message, fields),
  error: (message, fields) => {
    log('error', message, fields)
    if (message.endsWith('is dead for good')) process.exit(CONSUMER_DEAD_EXIT_CODE)
  },
}

function log(level: string, message: string, fields: Readonly<Record<string, unknown>> = {}): void {
  process.stderr.write(`${JSON.stringify({ mono: mono(), level, message, ...fields })}\n`)
}

function say(message: LoadMessage): void {
  // A fleet that has gone does not listen any more.
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined)
}
