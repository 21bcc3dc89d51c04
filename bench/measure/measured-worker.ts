// A worker as a process that can be asked how it is: node --expose-gc measured-worker.ts <settings as JSON>, with the place in
// the environment. program-lines.ts says what it hears and says.

import { systemClock } from '../../src/core/clock.ts'
import type { HandlerContext } from '../../src/index.ts'
import { Worker } from '../../src/index.ts'
import { KafkaStorage } from '../../src/storage/kafka/index.ts'
import { preciseNowMs } from '../wall-clock.ts'
import type { MeasuredPayload } from './measured-activity.ts'
import { measuredActivity } from './measured-activity.ts'
import type { MeasuredWorkerSettings } from './measured-worker-settings.ts'
import { obey, placeOfEnvironment, say } from './program-lines.ts'

const REPORT_MS = 50

const settings: MeasuredWorkerSettings = JSON.parse(process.argv[2] ?? '{}')
let settled = 0
let holding = 0
let lastMs = 0
let highWaitsMs: number[] = []
let cancelFlush: (() => void) | undefined

const gate = Promise.withResolvers<void>()
let isGateOpen = !settings.isGated
const told = obey(() => {
  isGateOpen = true
  gate.resolve()
})
await using storage = await KafkaStorage.open(placeOfEnvironment())
const worker = new Worker({ storage, concurrency: settings.concurrency })
for (const type of settings.types) worker.handle(measuredActivity(type), run)
worker.on('settled', () => {
  settled += 1
  lastMs = preciseNowMs()
  flushSoon()
})
const startedMs = systemClock.monotonicMs()
await worker.start()
say({ kind: 'ready', startMs: systemClock.monotonicMs() - startedMs })
await told
await worker.stop()
cancelFlush?.()
flush()

function run({ sentAtMs, holdMs }: MeasuredPayload, ctx: HandlerContext): Promise<void> | undefined {
  if (ctx.priority === 'high') {
    highWaitsMs.push(preciseNowMs() - sentAtMs)
    flushSoon()
  }
  if (holdMs > 0 || !isGateOpen) {
    holding += 1
    flushSoon()
  }
  const ms = Math.max(holdMs, settings.handlerMs)
  return isGateOpen && ms === 0 ? undefined : wait(ms, ctx.signal)
}

async function wait(ms: number, signal: AbortSignal): Promise<void> {
  if (!isGateOpen) await gate.promise
  if (ms > 0) await systemClock.sleep(ms, { signal })
}

function flushSoon(): void {
  cancelFlush ??= systemClock.after(REPORT_MS, flush)
}

function flush(): void {
  cancelFlush = undefined
  say({ kind: 'ran', settled, lastMs, holding, highWaitsMs })
  settled = 0
  holding = 0
  highWaitsMs = []
}
