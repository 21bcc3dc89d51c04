// What a reaper tells: figures of what it did, gauges of lanes, and dead letters that nobody else would tell of.

import { expect, test } from 'vitest'
import { z } from 'zod'
import { Client } from '../client/client.ts'
import { defineActivity } from '../client/define-activity.ts'
import { HOUSEKEEPING_LIMITS } from '../core/limits.ts'
import { MemoryStorage } from '../storage/memory/memory-storage.ts'
import type { FigureLabels, GaugeSource, Telemetry } from '../telemetry/telemetry.ts'
import { silentTelemetry } from '../telemetry/telemetry.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { gate, memoryLogger, turns } from '../../test/support/worker-setup.ts'
import type { ReapedDeadLetter, ReaperOptions } from './reaper-options.ts'
import { Reaper } from './reaper.ts'

const work = defineActivity({ type: 'work', input: z.unknown(), maxAttempts: 2 })

interface Told {
  readonly name: string
  readonly value: number
  readonly labels: FigureLabels
}

function setup(options: Partial<ReaperOptions> = {}) {
  const clock = new ManualClock()
  const storage = new MemoryStorage({ clock })
  const told: Told[] = []
  const sources = new Set<GaugeSource>()
  const telemetry: Telemetry = {
    ...silentTelemetry,
    count: (name, value, labels) => void told.push({ name, value, labels }),
    duration: (name, value, labels) => void told.push({ name, value, labels }),
    observe: source => (sources.add(source), () => void sources.delete(source)),
  }
  const { logger, lines } = memoryLogger()
  const client = new Client({ storage, clock, telemetry: silentTelemetry })
  const reaper = new Reaper({ storage, clock, logger, telemetry, ...options })
  /** Claims what is ready and lets the leases expire. */
  const abandon = async (): Promise<void> => {
    await storage.subscribe({ types: ['work'] })
    await storage.dequeue({ workerId: 'dead', timeoutMs: 0, limit: 1_000, leaseMs: 100 })
    await clock.advance(101)
  }
  return { clock, storage, client, reaper, told, sources, lines, abandon }
}

test('expired leases are counted by how they ended, with type and priority', async () => {
  const { client, storage, reaper, told, abandon } = setup()
  await client.enqueue(work, 1)
  await client.enqueue(work, 2)
  await client.enqueue(work, 3, { maxAttempts: 1, priority: 'high' })
  const { id } = await client.enqueue(work, 4)
  await abandon()
  await storage.cancel({ id })
  await reaper.tick()
  const labels = { type: 'work', priority: 'normal' }
  expect(told).toHaveLength(4)
  expect(told.filter(({ labels: { outcome } }) => outcome === 'retrying')).toHaveLength(2)
  expect(told).toContainEqual({
    ...{ name: 'requeued', value: 1 },
    labels: { ...labels, priority: 'high', outcome: 'dead_letter' },
  })
  expect(told).toContainEqual({ name: 'requeued', value: 1, labels: { ...labels, outcome: 'cancelled' } })
})

test('how late the schedule was is told for each attempt', async () => {
  const { clock, client, reaper, told } = setup()
  await client.enqueue(work, 1, { delayMs: 1_000 })
  await client.enqueue(work, 2, { delayMs: 1_400 })
  await clock.advance(1_500)
  await reaper.scheduler.tick()
  expect(told.map(({ name, value }) => [name, value])).toEqual([
    ['lateness', 500],
    ['lateness', 100],
  ])
})

test('gauges of lanes are there from start to stop, unless they are switched off', async () => {
  const { client, reaper, sources } = setup()
  await client.enqueue(work, 1)
  expect(sources.size).toBe(0)
  await reaper.start()
  const [source] = sources
  expect(await source?.()).toContainEqual({
    ...{ name: 'lane_pending', value: 1, labels: { type: 'work', priority: 'normal' } },
  })
  await reaper.stop()
  expect(sources.size).toBe(0)
  const without = setup({ figures: false })
  await without.reaper.start()
  expect(without.sources.size).toBe(0)
  await without.reaper.stop()
})

test.each([['often' as unknown as boolean], [{ intervalMs: 1 }]])('figures: %j is refused', figures => {
  expect(() => setup({ figures })).toThrow(/figures/)
})

test('who listens is told of each dead letter, with the last attempt and its error', async () => {
  const letters: ReapedDeadLetter[] = []
  const { client, reaper, abandon } = setup({ onDeadLetter: letter => void letters.push(letter) })
  const { id } = await client.enqueue(work, { order: 7 })
  for (let attempt = 0; attempt < 2; attempt++) {
    await abandon()
    await reaper.tick()
  }
  await reaper.stop()
  expect(letters).toHaveLength(1)
  expect(letters[0]?.activity).toMatchObject({ id, attempt: 2, payloadJson: '{"order":7}' })
  expect(letters[0]?.error.message).toContain('dead')
})

test('a listener that throws is logged; one that is slow holds up no round, and a stop waits for it', async () => {
  const { opened, open } = gate()
  const heard: unknown[] = []
  const { client, reaper, lines, abandon } = setup({
    onDeadLetter: async ({ activity: { payloadJson } }) => {
      heard.push(payloadJson)
      if (payloadJson === '1') throw new Error('no')
      await opened
    },
  })
  for (const input of [1, 2, 3]) await client.enqueue(work, input, { maxAttempts: 1 })
  await abandon()
  expect(await reaper.tick()).toMatchObject({ deadLettered: 3 })
  expect(await reaper.tick()).toMatchObject({ deadLettered: 0 })
  await turns()
  expect(heard).toEqual(['1', '2'])
  expect(lines).toContainEqual(expect.objectContaining({ level: 'error', message: 'onDeadLetter threw' }))
  await reaper.start()
  let isStopped = false
  const stopping = reaper.stop().then(() => (isStopped = true))
  await turns()
  expect(isStopped).toBe(false)
  open()
  await stopping
  expect(heard).toEqual(['1', '2', '3'])
})

test.each([
  ['never ends does not fill the memory', () => new Promise<void>(() => undefined), [{ dropped: 5 }]],
  ['keeps up is told of all', () => undefined, []],
])('a listener that %s', async (_, onDeadLetter, dropped) => {
  const { untoldDeadLettersMax } = HOUSEKEEPING_LIMITS
  const { client, reaper, lines, abandon } = setup({ batch: 1_000, onDeadLetter })
  const many = Array.from({ length: untoldDeadLettersMax }, (_, input) => ({ input, options: { maxAttempts: 1 } }))
  for (const letters of [many, many.slice(0, 5)]) {
    await client.enqueueMany(work, letters)
    await abandon()
    await reaper.tick()
    await turns()
  }
  expect(lines.filter(({ level }) => level === 'warn').map(({ fields }) => fields)).toEqual(dropped)
})
