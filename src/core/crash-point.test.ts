import { afterEach, expect, test } from 'vitest'
import { ErrandError } from './errors.ts'
import { CRASH_POINTS, crossing, onCrossing } from './crash-point.ts'

afterEach(() => onCrossing(undefined))

test('a listener is told of each crossing, before the write and after its answer, until it is taken away', async () => {
  const heard: string[] = []
  onCrossing((point, phase) => void heard.push(`${phase} ${point}`))
  for (const point of CRASH_POINTS) await crossing(point, async () => void heard.push(`writes ${point}`))
  onCrossing(undefined)
  await crossing('claim.leased', async () => undefined)
  expect(heard).toEqual(CRASH_POINTS.flatMap(point => [`before ${point}`, `writes ${point}`, `after ${point}`]))
})

test('a write gives its own promise when nobody listens, and its answer or error when somebody does', async () => {
  const written = Promise.resolve(7)
  expect(crossing('claim.leased', () => written)).toBe(written)
  onCrossing(() => undefined)
  expect(await crossing('claim.leased', () => written)).toBe(7)
  const failure = new ErrandError('unavailable', 'as planned')
  await expect(crossing('claim.leased', () => Promise.reject(failure))).rejects.toBe(failure)
})

test('a listener can hold up the write, and what follows it', async () => {
  const steps: string[] = []
  const stop = Promise.withResolvers<void>()
  onCrossing((_, phase) => (phase === 'before' ? stop.promise : undefined))
  const crossed = crossing('claim.leased', async () => void steps.push('written'))
  await Promise.resolve()
  expect(steps).toEqual([])
  stop.resolve()
  await crossed
  expect(steps).toEqual(['written'])

  onCrossing((_, phase) => (phase === 'after' ? new Promise(() => undefined) : undefined))
  const held = crossing('claim.leased', async () => void steps.push('written again')).then(() => steps.push('went on'))
  await Promise.race([held, new Promise(resolve => setImmediate(resolve))])
  expect(steps).toEqual(['written', 'written again'])
})

test('a failed write tells nobody of an answer', async () => {
  const heard: string[] = []
  onCrossing((_, phase) => void heard.push(phase))
  const failing = crossing('claim.leased', () => Promise.reject(new ErrandError('unavailable', 'as planned')))
  await failing.catch(() => undefined)
  expect(heard).toEqual(['before'])
})
