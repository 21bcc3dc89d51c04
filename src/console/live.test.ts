// The live stream on a real HTTP server: what is heard, missed, resumed, bounded.

import { expect, test } from 'vitest'
import { ConsoleGround, mail } from '../../test/support/console-activities.ts'
import type { EventReader } from '../../test/support/console-host.ts'
import { ConsoleHost } from '../../test/support/console-host.ts'
import { systemClock } from '../core/clock.ts'
import { ErrandError } from '../core/errors.ts'
import { CONSOLE_LIMITS } from '../core/limits.ts'
import { silentLogger } from '../core/logger.ts'
import type { ActivityEvent, EventGap } from '../storage/storage.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { LiveHub } from './live-hub.ts'
import type { LiveReader } from './live-reader.ts'

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

test('who listens hears what happens, whole but for stacks, and those of one activity or type alone where asked', async () => {
  await using ground = await ConsoleGround.open()
  await using host = await ConsoleHost.open({ storage: ground.storage })
  const all = await host.stream()
  expect([all.status, all.headers['content-type'], all.headers['cache-control']]).toEqual([
    200,
    'text/event-stream',
    'no-store',
  ])
  expect((await all.heard('hello')).data).toEqual({ isResumed: false, trouble: null })
  const others = await host.stream('/api/stream?type=other')
  await others.heard('hello')
  const handle = await ground.client.enqueue(mail, { host: 'down' })
  const one = await host.stream(`/api/stream?id=${handle.id}&after=`)
  const heard = await all.heard('activity', ({ type, id }) => type === 'dead_letter' && id === handle.id)
  expect(heard.data).toMatchObject({
    activityType: 'mail',
    attempt: 2,
    error: { name: 'Error', message: 'no route to down', code: 'ENOROUTE' },
  })
  expect(JSON.stringify(all.events)).not.toContain('stack')
  const seen = (reader: EventReader): unknown[] =>
    reader.events.filter(({ name }) => name === 'activity').map(({ data }) => (data as ActivityEvent).type)
  expect(seen(all)).toEqual(['enqueued', 'started', 'retrying', 'started', 'dead_letter'])
  await ground.ended({})
  await all.heard('activity', ({ type }) => type === 'completed')
  expect(seen(others)).toEqual([])
  expect(seen(one).length).toBeLessThanOrEqual(5)
  expect(JSON.stringify(one.events)).not.toContain('completed')
})

test('who comes back with the id of his last event gets what he missed; with one that is not known, a gap', async () => {
  await using ground = await ConsoleGround.open()
  await using host = await ConsoleHost.open({ storage: ground.storage })
  const first = await host.stream()
  const { id: place } = await first.heard('hello')
  first.close()
  const missed = await ground.ended({})
  const again = await host.stream('/api/stream', { 'last-event-id': place ?? '' })
  expect((await again.heard('hello')).data).toMatchObject({ isResumed: true })
  const { id: last } = await again.heard('activity', ({ type, id }) => type === 'completed' && id === missed)
  expect(again.events.filter(({ name }) => name === 'gap')).toEqual([])
  const third = await host.stream(`/api/stream?after=${last}`)
  expect((await third.heard('hello')).data).toMatchObject({ isResumed: true })
  expect(third.events.filter(({ name }) => name === 'activity')).toEqual([])
  for (const unknown of ['00000000-1', 'nonsense', `${last?.split('-')[0]}-999999`, `${last?.split('-')[0]}--1`]) {
    const reader = await host.stream('/api/stream', { 'last-event-id': unknown })
    expect((await reader.heard('hello')).data).toMatchObject({ isResumed: false })
    expect((await reader.heard('gap')).id).toBe(last)
  }
})

test('of 500 who come at once, as many are let in as may be; the rest is told when to come again; whoever goes makes room', async () => {
  await using ground = await ConsoleGround.open({ works: false })
  await using host = await ConsoleHost.open({ storage: ground.storage })
  const readers = await Promise.all(Array.from({ length: 500 }, () => host.stream()))
  const inside = readers.filter(({ status }) => status === 200)
  expect(inside.length).toBe(CONSOLE_LIMITS.streamsPerAddressMax)
  const outside = readers.filter(({ status }) => status === 503)
  expect(outside.length).toBe(500 - inside.length)
  expect(outside[0]?.headers['retry-after']).toBe('30')
  // Those inside still hear, and everything else is answered.
  const [reader] = inside
  const { id } = await ground.client.enqueue(mail, {})
  await reader?.heard('activity', data => data['id'] === id)
  expect((await host.get('/api/stats')).status).toBe(200)
  for (const each of inside) each.close()
  for (;;) {
    const next = await host.stream()
    if (next.status === 200) break
    await next.ended()
    await systemClock.sleep(10) // the server hears of each end by itself
  }
})

test('closing the console ends its streams and leaves the storage open', async () => {
  await using ground = await ConsoleGround.open({ works: false })
  const host = await ConsoleHost.open({ storage: ground.storage })
  const reader = await host.stream()
  await reader.heard('hello')
  await host.console.close()
  await reader.ended()
  expect((await host.stream()).status).toBe(503)
  await host[Symbol.asyncDispose]()
  expect((await ground.storage.stats()).pending).toBe(0)
})

/** A hub whose events a test gives. */
class HubGround {
  readonly clock = new ManualClock()
  readonly heard: ActivityEvent[] = []
  gaps = 0
  opened = 0
  readonly hub: LiveHub
  #give: (event: ActivityEvent | EventGap) => void = () => undefined
  #fail: (error: unknown) => void = () => undefined

  constructor() {
    this.hub = new LiveHub({
      clock: this.clock,
      logger: silentLogger,
      events: signal => this.#events(signal),
      onEvent: event => this.heard.push(event),
      onGap: () => {
        this.gaps += 1
      },
    })
    this.hub.start()
  }

  /** An event that has been taken. */
  async give(event: Partial<ActivityEvent> = {}): Promise<void> {
    this.#give({ id: 'a', activityType: 'mail', type: 'completed', attempt: 1, atMs: 1, ...event })
    await this.clock.advance(0)
  }

  async giveGap(): Promise<void> {
    this.#give({ type: 'gap', atMs: 1 })
    await this.clock.advance(0)
  }

  async fail(error: unknown): Promise<void> {
    this.#fail(error)
    await this.clock.advance(0)
  }

  async *#events(signal: AbortSignal): AsyncIterable<ActivityEvent | EventGap> {
    this.opened += 1
    while (!signal.aborted) {
      yield await new Promise<ActivityEvent | EventGap>((resolve, reject) => {
        this.#give = resolve
        this.#fail = reject
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
      })
    }
  }
}

const open = (ground: HubGround, lastEventId: string | null = null): ReadableStreamDefaultReader<Uint8Array> =>
  ground.hub.open({ address: '10.0.0.1', filter: {}, lastEventId }).getReader()

async function drain(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  until: (said: string) => boolean,
): Promise<string> {
  const said: string[] = []
  for (;;) {
    const { value, done } = await reader.read()
    if (!done) said.push(text(value))
    if (done || until(said.at(-1) ?? '')) return said.join('')
  }
}

test('one who does not read gets a gap in place of what is over 256 KiB, then goes on; others hear all', async () => {
  const ground = new HubGround()
  const slow = open(ground)
  const quick = open(ground)
  const reading = drain(quick, said => said.includes('"id":"last"'))
  const message = 'x'.repeat(400)
  for (let n = 0; n < 600; n++) await ground.give({ error: { name: 'Error', message } })
  await ground.give({ id: 'last' })
  const heard = await reading
  expect(heard.match(/event: activity/g)?.length).toBe(601)
  expect(heard).not.toContain('event: gap')
  const said = await drain(slow, part => part.includes('"id":"last"'))
  expect(said.length).toBeLessThan(CONSOLE_LIMITS.streamBufferBytesMax + 64 * 1_024)
  expect(said.match(/event: gap/g)?.length).toBe(1)
  // The gap's id is the place from which to go on: nothing before it is left to be missed.
  const after = said.slice(said.indexOf('event: gap'))
  expect(after).toContain('"id":"last"')
  await ground.hub.stop()
})

test('when the source fails everybody is told; when it is back everybody gets a gap', async () => {
  const ground = new HubGround()
  const reader = open(ground)
  await ground.give({ id: 'before' })
  await ground.fail(new ErrandError('unavailable', 'no broker at kafka:9092 answers'))
  const told = await drain(reader, said => said.includes('event: source'))
  expect(told).toContain('"trouble":"no broker at kafka:9092 answers"')
  // Who comes now is told at once.
  expect(await drain(open(ground), said => said.includes('hello'))).toContain('kafka:9092')
  await ground.clock.advance(CONSOLE_LIMITS.streamRetryMs)
  expect(ground.opened).toBe(2)
  await ground.clock.advance(CONSOLE_LIMITS.streamRetryMs)
  const back = await drain(reader, said => said.includes('event: gap'))
  expect(back).toContain('"trouble":null')
  expect(ground.gaps).toBe(1)
  await ground.give({ id: 'after' })
  expect(await drain(reader, said => said.includes('"after"'))).toContain('event: activity')
  await ground.hub.stop()
})

test('a gap of the source reaches all, and nobody resumes over it', async () => {
  const ground = new HubGround()
  const reader = open(ground)
  await ground.give({ id: 'one' })
  const place = /id: (\S+)\nevent: activity/.exec(await drain(reader, said => said.includes('"one"')))?.[1] ?? ''
  await ground.giveGap()
  await ground.give({ id: 'two' })
  expect(await drain(reader, said => said.includes('"two"'))).toMatch(/event: gap[\s\S]*"two"/)
  const resumed = await drain(open(ground, place), said => said.includes('event: gap'))
  expect(resumed).toContain('"isResumed":false')
  expect(ground.heard.map(({ id }) => id)).toEqual(['one', 'two'])
  await ground.hub.stop()
})

test('who was away for more than is kept gets a gap', async () => {
  const ground = new HubGround()
  const reader = open(ground)
  const place = /id: (\S+)\nevent: hello/.exec(await drain(reader, said => said.includes('hello')))?.[1] ?? ''
  await reader.cancel()
  for (let n = 0; n <= CONSOLE_LIMITS.streamRingEvents; n++) await ground.give({ id: `e${n}` })
  expect(await drain(open(ground, place), said => said.includes('event: gap'))).toContain('"isResumed":false')
  await ground.hub.stop()
})

test('there is a sign of life every 15 s, and after an hour a stream ends so that whoever reads shows his token again', async () => {
  const ground = new HubGround()
  const reader = open(ground)
  await drain(reader, said => said.includes('hello'))
  await ground.clock.advance(CONSOLE_LIMITS.streamHeartbeatMs)
  expect(await drain(reader, said => said.includes('\n\n'))).toBe(': still here\n\n')
  const rest = drain(reader, () => false)
  await ground.clock.advance(CONSOLE_LIMITS.streamLifeMsMax)
  expect(await rest).toContain('still here')
  expect(ground.hub.readers).toBe(0)
  await ground.hub.stop()
})

test('the cap in all holds for those without an address too', () => {
  const ground = new HubGround()
  const readers: LiveReader['stream'][] = []
  for (let n = 0; n < CONSOLE_LIMITS.streamsMax; n++) {
    readers.push(ground.hub.open({ address: null, filter: {}, lastEventId: null }))
  }
  expect(() => ground.hub.open({ address: null, filter: {}, lastEventId: null })).toThrow(/too many live streams/)
  return ground.hub.stop()
})
