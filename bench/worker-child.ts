// The outside of a worker process, whichever queue's worker it is. The inside is hosted-worker.ts.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { ErrandError } from '../src/index.ts'
import type { HostedPlace } from './hosted-worker.ts'
import type { RunningWorker, WorkerReport, WorkerSettings } from './subject.ts'

/** Starts `program` as a worker of a lane; resolves when it takes payloads. Throws `unavailable` when it ends before. */
export async function startWorkerChild(
  program: string,
  { lane, namespace, brokers, redisUrl, postgresUrl }: HostedPlace,
  { concurrency, onReport }: WorkerSettings,
): Promise<RunningWorker> {
  const child = spawn(process.execPath, [program, lane, String(concurrency)], {
    env: {
      ...process.env,
      ERRAND_NAMESPACE: namespace,
      ERRAND_KAFKA_BROKERS: brokers.join(','),
      ERRAND_REDIS_URL: redisUrl,
      ERRAND_BENCH_POSTGRES_URL: postgresUrl,
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.stdin.on('error', () => undefined) // a worker that died took the other end with it; `exit` tells
  const ended = once(child, 'exit')
  let isStopped = false
  const died = new Promise<never>((_, reject) => {
    const fail = (cause: string): void => reject(new ErrandError('unavailable', `the worker of ${lane} ${cause}.`))
    void ended.then(
      ([code, signal]) => isStopped || fail(`ended by itself (${code ?? signal})`),
      error => fail(`could not be started: ${String(error)}`),
    )
  })
  died.catch(() => undefined) // told to whoever waits for it
  const ready = new Promise<void>(resolve => {
    createInterface({ input: child.stdout }).on('line', line => {
      const report: WorkerReport | null = JSON.parse(line)
      if (report === null) resolve()
      else onReport(report)
    })
  })
  await Promise.race([ready, died])
  return {
    died,
    async stop() {
      isStopped = true
      child.stdin.end()
      await ended
    },
  }
}
