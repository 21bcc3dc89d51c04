// Ten thousand activities through one worker on memory: none lost, none twice, in few calls. The rate is printed and not
// asserted, since it is the machine's; the number of calls is what makes it.

import { expect, test } from 'vitest'
import { z } from 'zod'
import { Client } from '../client/client.ts'
import { defineActivity } from '../client/define-activity.ts'
import { MemoryStorage } from '../storage/memory/memory-storage.ts'
import { failing } from '../../test/support/worker-setup.ts'
import { Worker } from './worker.ts'

const COUNT = 10_000
const CONCURRENCY = 100
const count = defineActivity({ type: 'count', input: z.object({ n: z.number() }) })

test.each([
  ['synchronous', () => null],
  ['asynchronous', async () => null],
])(
  'ten thousand %s handlers, each once',
  async (name, answer) => {
    const { storage, calls } = failing(new MemoryStorage(), {})
    const client = new Client({ storage })
    const runs = new Uint8Array(COUNT)
    const worker = new Worker({ storage, concurrency: CONCURRENCY, reaper: false })
    worker.handle(count, ({ n }) => {
      runs[n] = (runs[n] ?? 0) + 1
      return answer()
    })
    await client.enqueueMany(
      count,
      Array.from({ length: COUNT }, (_, n) => ({ input: { n } })),
    )
    let left = COUNT
    const finished = new Promise<void>(resolve => worker.on('settled', () => (left -= 1) === 0 && resolve()))
    const startedMs = performance.now()
    await worker.start()
    await finished
    const tookMs = performance.now() - startedMs
    console.info(`${name}: ${Math.round((COUNT / tookMs) * 1_000).toLocaleString('en-US')} activities per second`)
    expect(runs.every(run => run === 1)).toBe(true)
    expect((await storage.stats()).completed).toBe(COUNT)
    expect(calls.get('dequeue')).toBeLessThanOrEqual(COUNT / CONCURRENCY + 2)
    expect(calls.get('ackSuccess')).toBeLessThanOrEqual(COUNT / CONCURRENCY + 2)
    expect(calls.get('extendLeases') ?? 0).toBeLessThanOrEqual(5)
    expect(await worker.stop()).toEqual({ drained: true, remaining: 0 })
    await storage.close()
  },
  30_000,
)
