// The inside of a worker process, whichever queue's worker it is: told by argv, reports on stdout, null says that it takes
// payloads. It ends when its stdin ends, so that it never outlives who started it. The outside is worker-child.ts.

import { once } from 'node:events'
import type { WorkerSettings } from './subject.ts'

/** What the starter says. */
export interface HostedPlace {
  /** The lane's name. */
  readonly lane: string
  readonly namespace: string
  readonly brokers: readonly string[]
  readonly redisUrl: string
  /** Empty when there is no PostgreSQL. */
  readonly postgresUrl: string
}

/** Runs the worker that `start` starts until stdin ends. */
export async function hostWorker(
  start: (place: HostedPlace, settings: WorkerSettings) => Promise<{ stop(): Promise<void> }>,
): Promise<void> {
  const write = (value: unknown): void => {
    process.stdout.write(`${JSON.stringify(value)}\n`)
  }
  const told = once(process.stdin.resume(), 'end')
  const [lane = '', concurrency = ''] = process.argv.slice(2)
  const worker = await start(placeOf(lane, process.env), { concurrency: Number(concurrency), onReport: write })
  write(null)
  await told
  await worker.stop()
}

function placeOf(lane: string, env: Readonly<Record<string, string | undefined>>): HostedPlace {
  return {
    lane,
    namespace: env['ERRAND_NAMESPACE'] ?? '',
    brokers: (env['ERRAND_KAFKA_BROKERS'] ?? '').split(','),
    redisUrl: env['ERRAND_REDIS_URL'] ?? '',
    postgresUrl: env['ERRAND_BENCH_POSTGRES_URL'] ?? '',
  }
}
