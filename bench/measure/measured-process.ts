// A process that is measured, seen from the measurement: started with its settings, asked how it is, and ended.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { systemClock, withDeadline } from '../../src/core/clock.ts'
import { ErrandError } from '../../src/index.ts'
import type { ErrandKafkaOptions } from '../subjects/errand-kafka.ts'
import type { ProcessSample } from './process-sample.ts'
import type { Command, Message, RanMessage } from './program-lines.ts'
import { environmentOf } from './program-lines.ts'

const START_MS_MAX = 60_000
const SAMPLE_MS_MAX = 30_000

/** What is started, and where. */
export interface MeasuredProgram {
  readonly program: 'measured-worker.ts' | 'soak-producer.ts'
  /** Plain JSON, as the program's own settings say. */
  readonly settings: object
  readonly place: ErrandKafkaOptions
  readonly onRan: (report: RanMessage) => void
}

/** A process that works. Disposing it ends it, and waits. */
export interface MeasuredProcess extends AsyncDisposable {
  /** From the start of its worker until that took activities. Unit: ms. */
  readonly startMs: number
  tell(command: Command): void
  /** How it is now. `isCollected`: after a garbage collection. @defaultValue false */
  sample(options?: { readonly isCollected?: boolean }): Promise<ProcessSample>
}

/** Starts a program; resolves when it works. Rejects with `unavailable` when it ends before. */
export async function startMeasured({ program, settings, place, onRan }: MeasuredProgram): Promise<MeasuredProcess> {
  const child = spawn(process.execPath, ['--expose-gc', join(import.meta.dirname, program), JSON.stringify(settings)], {
    env: { ...process.env, ...environmentOf(place) },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.stdin.on('error', () => undefined) // one that died took the other end with it; `exit` tells
  const ended = once(child, 'exit')
  const died = ended.then(([code]): never => {
    throw new ErrandError('unavailable', `${program} ended with exit code ${code} while it was measured.`)
  })
  died.catch(() => undefined) // whoever waits for something has it; at a stop it is no failure
  const ready = Promise.withResolvers<number>()
  const asked: ((sample: ProcessSample) => void)[] = []
  createInterface({ input: child.stdout }).on('line', line => {
    const message: Message = JSON.parse(line)
    if (message.kind === 'ready') ready.resolve(message.startMs)
    else if (message.kind === 'sample') asked.shift()?.(message.sample)
    else onRan(message)
  })
  const tell = (command: Command): void => {
    child.stdin.write(`${JSON.stringify(command)}\n`)
  }
  const soon = <T>(promise: Promise<T>, ms: number, what: string): Promise<T> => {
    const late = (): Error => new ErrandError('timeout', `${program} did not ${what} within ${ms} ms.`)
    return withDeadline(systemClock, Promise.race([promise, died]), ms, late)
  }
  const end = async (): Promise<void> => {
    child.stdin.end()
    await ended
  }
  try {
    const startMs = await soon(ready.promise, START_MS_MAX, 'start')
    return {
      startMs,
      tell,
      sample: ({ isCollected = false } = {}) => {
        const sampled = new Promise<ProcessSample>(resolve => asked.push(resolve))
        tell({ kind: 'sample', isCollected })
        return soon(sampled, SAMPLE_MS_MAX, 'say how it is')
      },
      [Symbol.asyncDispose]: end,
    }
  } catch (error) {
    await end()
    throw error
  }
}

/** Calls with looks at the process, one after another with a pause between, until the signal aborts. Resolves after the last. */
export async function watch(
  measured: MeasuredProcess,
  options: { readonly everyMs: number; readonly signal: AbortSignal; readonly isCollected?: boolean },
): Promise<readonly ProcessSample[]> {
  const { everyMs, signal, isCollected = false } = options
  const samples: ProcessSample[] = []
  do {
    samples.push(await measured.sample({ isCollected }))
    await systemClock.sleep(everyMs, { signal }).catch(() => undefined) // the last one follows at once
  } while (!signal.aborted)
  samples.push(await measured.sample({ isCollected }))
  return samples
}
