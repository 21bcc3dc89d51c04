import { createRequire } from 'node:module'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { isErrandError } from '../core/errors.ts'
import { checkKafkajsVersion, patchRequestQueue } from './request-queue-patch.ts'

interface Queue {
  push(request: {
    entry: { correlationId: number; resolve(answer: unknown): void; reject(error: unknown): void }
    expectResponse: boolean
    sendRequest(): void
  }): void
  fulfillRequest(answer: { correlationId: number; payload: null; size: number }): void
  maybeThrottle(ms: number): void
  checkPendingRequests(): void
  destroy(): void
}

const quiet = { debug: () => undefined, warn: () => undefined }

function newQueue(maxInFlightRequests: number | null): Queue {
  const QueueClass = createRequire(import.meta.url)('kafkajs/src/network/requestQueue')
  return new QueueClass({
    maxInFlightRequests,
    requestTimeout: 1_000,
    enforceRequestTimeout: false,
    clientId: 'test',
    broker: 'test:1',
    logger: quiet,
  })
}

function push(queue: Queue, correlationId: number, sent: number[]): void {
  const entry = { correlationId, resolve: () => undefined, reject: () => undefined }
  queue.push({ entry, expectResponse: true, sendRequest: () => void sent.push(correlationId) })
}

describe('the patched request queue', () => {
  beforeEach(() => {
    patchRequestQueue()
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('makes no timer when nothing waits', () => {
    const queue = newQueue(null)
    const sent: number[] = []
    push(queue, 1, sent)
    queue.fulfillRequest({ correlationId: 1, payload: null, size: 0 })
    queue.checkPendingRequests()
    expect(sent).toEqual([1])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('lets a request leave once the throttling is over', () => {
    const queue = newQueue(null)
    const sent: number[] = []
    queue.maybeThrottle(300)
    push(queue, 1, sent)
    vi.advanceTimersByTime(299)
    expect(sent).toEqual([])
    vi.advanceTimersByTime(2)
    expect(sent).toEqual([1])
    queue.fulfillRequest({ correlationId: 1, payload: null, size: 0 })
    vi.advanceTimersByTime(1_000)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('drains a queue whose requests under way were at their limit', () => {
    const queue = newQueue(1)
    const sent: number[] = []
    for (const id of [1, 2, 3]) push(queue, id, sent)
    expect(sent).toEqual([1])
    for (const id of [1, 2, 3]) queue.fulfillRequest({ correlationId: id, payload: null, size: 0 })
    expect(sent).toEqual([1, 2, 3])
    vi.advanceTimersByTime(100)
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('checkKafkajsVersion', () => {
  it.each(['2.2.3', '2.2.5', '3.0.0', '2.2.4-beta'])('refuses %s', version => {
    expect(() => checkKafkajsVersion(version)).toThrow(/\[configuration\].*exactly 2\.2\.4/)
    try {
      checkKafkajsVersion(version)
    } catch (error) {
      expect(isErrandError(error, 'configuration')).toBe(true)
    }
  })

  it('accepts the version that was looked at', () => {
    expect(() => checkKafkajsVersion('2.2.4')).not.toThrow()
  })
})
