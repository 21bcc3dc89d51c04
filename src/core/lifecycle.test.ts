import { describe, expect, test, vi } from 'vitest'

import { Lifecycle } from './lifecycle.ts'

const open = async (): Promise<void> => undefined
const close = async (): Promise<void> => undefined
const drained = { drained: true, remaining: 0 }

describe('the lifecycle of a long-lived part', () => {
  test('starts and stops', async () => {
    const part = new Lifecycle('the part')
    expect([part.state, part.isRunning, part.signal.aborted]).toEqual(['idle', false, false])
    const started = part.start(open)
    expect(part.state).toBe('starting')
    await started
    expect([part.state, part.isRunning]).toEqual(['running', true])
    expect(() => part.check()).not.toThrow()
    const stopped = part.stop(async () => {
      expect([part.state, part.signal.aborted]).toEqual(['stopping', true])
      return { drained: false, remaining: 3 }
    })
    expect(part.signal.aborted).toBe(true)
    await expect(stopped).resolves.toEqual({ drained: false, remaining: 3 })
    expect(part.state).toBe('stopped')
  })

  test('started twice opens once', async () => {
    const part = new Lifecycle('the part')
    const opening = vi.fn(open)
    await Promise.all([part.start(opening), part.start(opening)])
    await part.start(opening)
    expect(opening).toHaveBeenCalledTimes(1)
  })

  test('stopped first closes nothing and can no longer start', async () => {
    const part = new Lifecycle('the part')
    const closing = vi.fn(close)
    await expect(part.stop(closing)).resolves.toEqual(drained)
    expect(closing).not.toHaveBeenCalled()
    expect(part.state).toBe('stopped')
    await expect(part.start(open)).rejects.toMatchObject({ code: 'conflict' })
  })

  test('stopped twice closes once and says the same', async () => {
    const part = new Lifecycle('the part')
    await part.start(open)
    const closing = vi.fn(close)
    await expect(Promise.all([part.stop(closing), part.stop(closing)])).resolves.toEqual([drained, drained])
    await part.stop(closing)
    expect(closing).toHaveBeenCalledTimes(1)
  })

  test('stopped while starting closes after the start has ended', async () => {
    const part = new Lifecycle('the part')
    const [opening, steps] = [Promise.withResolvers<void>(), [] as string[]]
    const started = part.start(() => opening.promise).then(() => steps.push('started'))
    const stopped = part.stop(async () => void steps.push('closed'))
    await expect(part.start(open)).rejects.toMatchObject({ code: 'conflict' })
    opening.resolve()
    await Promise.all([started, stopped])
    expect(steps).toEqual(['started', 'closed'])
    expect(part.state).toBe('stopped')
  })

  test('that failed to start says so to every starter, and can still be stopped', async () => {
    const part = new Lifecycle('the part')
    const failing = vi.fn(async () => Promise.reject(new Error('no broker')))
    await expect(part.start(failing)).rejects.toThrow('no broker')
    expect([part.state, part.signal.aborted]).toEqual(['failed', true])
    await expect(part.start(failing)).rejects.toThrow('no broker')
    expect(failing).toHaveBeenCalledTimes(1)
    await expect(part.stop(close)).resolves.toEqual(drained)
    expect(part.state).toBe('stopped')
  })

  test('stopped while a start is failing: the starter gets the error, the stopper does not', async () => {
    const part = new Lifecycle('the part')
    const opening = Promise.withResolvers<void>()
    const started = expect(part.start(() => opening.promise)).rejects.toThrow('no broker')
    const stopped = part.stop(close)
    opening.reject(new Error('no broker'))
    await started
    await expect(stopped).resolves.toEqual(drained)
  })

  test('whose close failed is stopped all the same', async () => {
    const part = new Lifecycle('the part')
    await part.start(open)
    await expect(part.stop(async () => Promise.reject(new Error('stuck')))).rejects.toThrow('stuck')
    expect(part.state).toBe('stopped')
  })

  test('check refuses unless running', () => {
    expect(() => new Lifecycle('the part').check()).toThrow('[conflict] the part is idle; it must be running.')
  })
})
