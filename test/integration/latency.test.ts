// How long an activity waits for its handler when nothing is in the way. The bound is generous, for loaded machines; the
// figures are printed.

import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineActivity } from '../../src/client/define-activity.ts'
import { systemClock } from '../../src/core/clock.ts'
import { Worker } from '../../src/worker/worker.ts'
import { ObservedNamespace, runAlone } from '../support/observed-namespace.ts'

const SECONDS = 5
const PER_SECOND = 100
const WARM_UP = 20

test('at 100 activities a second half of them start within 100 ms of their enqueue', async () => {
  await using observed = await ObservedNamespace.open({ types: ['work'] })
  await using storage = await observed.openAnother()
  const work = defineActivity({ type: 'work', input: z.number() })
  const sentMs: number[] = []
  const waitsMs: number[] = []
  const { promise: allStarted, resolve } = Promise.withResolvers<void>()
  const worker = new Worker({ storage })
  worker.handle(work, n => {
    if (n < 0) return
    waitsMs.push(systemClock.monotonicMs() - (sentMs[n] ?? 0))
    if (waitsMs.length === SECONDS * PER_SECOND) resolve()
  })
  await worker.start()
  await observed.ended(
    await observed.enqueueAll(
      work,
      Array.from({ length: WARM_UP }, () => -1),
    ),
  )

  const startMs = systemClock.monotonicMs()
  const enqueues: Promise<unknown>[] = []
  for (let n = 0; n < SECONDS * PER_SECOND; n += 1) {
    const aheadMs = startMs + (n * 1_000) / PER_SECOND - systemClock.monotonicMs()
    if (aheadMs > 0) await systemClock.sleep(aheadMs)
    sentMs.push(systemClock.monotonicMs())
    enqueues.push(observed.client.enqueue(work, n))
  }
  await Promise.all(enqueues)
  await allStarted
  await worker.stop()

  const sorted = waitsMs.toSorted((a, b) => a - b)
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0
  const figures = [0.5, 0.9, 0.99].map(share => `p${share * 100} ${at(share).toFixed(1)} ms`)
  console.log(`enqueue to handler at ${PER_SECOND}/s: ${figures.join(', ')}, worst ${sorted.at(-1)?.toFixed(1)} ms`)
  expect(at(0.5), runAlone()).toBeLessThan(100)
})
