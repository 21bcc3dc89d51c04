// What a worker shows of itself, and what its embedded reaper tells in its name.

import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineActivity } from '../client/define-activity.ts'
import type { GaugeSource } from '../telemetry/telemetry.ts'
import { silentTelemetry } from '../telemetry/telemetry.ts'
import { gate, once, setupWorker } from '../../test/support/worker-setup.ts'
import type { DeadLetterNotice } from './registry.ts'

const work = defineActivity({ type: 'work', input: z.unknown(), maxAttempts: 1 })
const other = defineActivity({ type: 'other', input: z.unknown(), maxAttempts: 1 })

test('slots that are used, and how many there are, are shown while it runs', async () => {
  const sources = new Set<GaugeSource>()
  const telemetry = {
    ...silentTelemetry,
    observe: (source: GaugeSource) => (sources.add(source), () => void sources.delete(source)),
  }
  await using setup = setupWorker({ concurrency: 3, telemetry })
  const { opened, open } = gate()
  setup.worker.handle(work, () => opened).handle(other, () => null, { concurrency: 2 })
  const started = once(setup.worker, 'started')
  await setup.client.enqueue(work, 1)
  await setup.worker.start()
  await started
  const [source] = sources
  const shown = async () => (await source?.())?.map(({ name, value, labels }) => [name, value, labels])
  expect(await shown()).toEqual([
    ['slots_used', 1, {}],
    ['slots_limit', 5, {}],
  ])
  const settled = once(setup.worker, 'settled')
  open()
  await settled
  expect((await shown())?.[0]).toEqual(['slots_used', 0, {}])
  await setup.worker.stop()
  expect(sources.size).toBe(0)
})

test('a dead letter that the embedded reaper makes is told to whom a dead letter of its own would be', async () => {
  const [ofAll, ofType]: DeadLetterNotice[][] = [[], []]
  const told = Promise.withResolvers<void>()
  await using setup = setupWorker({
    reaper: { intervalMs: 100 },
    onDeadLetter: notice => {
      ofAll?.push(notice)
      if (ofAll?.length === 2) told.resolve()
    },
  })
  const { worker, memory, client, clock } = setup
  worker.handle(work, () => null, { onDeadLetter: notice => void ofType?.push(notice) })
  const peer = memory.peer()
  await peer.subscribe({ types: ['work', 'other'] })
  const { id } = await client.enqueue(work, { order: 7 }, { metadata: { tenant: 'blue' } })
  await client.enqueue(other, 8)
  await peer.dequeue({ workerId: 'killed', timeoutMs: 0, limit: 2, leaseMs: 100 })
  await worker.start()
  await clock.advance(300)
  await told.promise
  const notice = { id, type: 'work', attempts: 1, payloadJson: '{"order":7}', metadata: { tenant: 'blue' } }
  expect(ofType).toMatchObject([notice])
  expect(ofAll).toMatchObject([notice, { type: 'other', payloadJson: '8' }])
  expect(ofAll?.[0]?.error.message).toContain('killed')
})
