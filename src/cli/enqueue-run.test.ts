// Lines against a storage that is away or slow in ways that real servers are not on demand. With real ones they are tried in
// `test/integration/cli-enqueue.test.ts`.

import { Readable } from 'node:stream'
import { z } from 'zod'
import { describe, expect, test } from 'vitest'
import { Client } from '../client/client.ts'
import { defineActivity } from '../client/define-activity.ts'
import { MemoryStorage } from '../storage/memory/memory-storage.ts'
import type { EnqueueAnswer, EnqueueManyParams } from '../storage/storage.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { CONFIG_SCHEMA } from './config/settings.ts'
import type { LineDefaults } from './enqueue-lines.ts'
import { lineBatches, readLine } from './enqueue-lines.ts'
import { definitionsOf, EnqueueRun } from './enqueue-run.ts'
import { Output } from './output/output.ts'
import type { Terminal } from './terminal.ts'

const DEFAULTS: LineDefaults = { type: 'work', isRaw: true, options: {} }

/** Answers `unavailable` from one activity on. */
class Failing extends MemoryStorage {
  readonly sent: number[] = []
  #left: number

  constructor(accepted: number) {
    super()
    this.#left = accepted
  }

  override async enqueueMany(params: Readonly<EnqueueManyParams>): Promise<readonly EnqueueAnswer[]> {
    const answers = await super.enqueueMany(params)
    this.sent.push(answers.length)
    return answers.map(answer =>
      this.#left-- > 0 ? answer : { outcome: 'unavailable', id: answer.id, message: 'away' },
    )
  }
}

function runOn(storage: MemoryStorage, stopsOnError = false, isRaw = true) {
  const said: string[] = []
  const terminal: Terminal = {
    ...{ env: {}, signal: new AbortController().signal, stdin: Readable.from([]) },
    ...{ isInteractive: false, isOutTerminal: false, isInTerminal: false, colors: { out: false, err: false } },
    out: () => Promise.resolve(),
    goOnUnheard: () => undefined,
    err: text => void said.push(text),
  }
  const call = { terminal, output: new Output(terminal, 'text', 'iso'), config: CONFIG_SCHEMA.parse(sections()) }
  const definitionOf = definitionsOf(type => defineActivity({ type, input: z.unknown() }))
  const defaults = { ...DEFAULTS, isRaw }
  const run = new EnqueueRun({ call, client: new Client({ storage }), defaults, definitionOf, stopsOnError })
  return { run, said }
}

/** Every section must be there for its defaults. */
function sections(): Record<string, object> {
  return Object.fromEntries(['kafka', 'redis', 'topics', 'retention', 'worker', 'http', 'log'].map(name => [name, {}]))
}

function numbers(count: number): Readable {
  return Readable.from([Buffer.from(Array.from({ length: count }, (_, n) => `${n}\n`).join(''))])
}

describe('a run over lines', () => {
  test('tells each line whose outcome is unknown, and stops once nothing is accepted any more', async () => {
    await using storage = new Failing(600)
    const { run, said } = runOn(storage)
    const counts = await run.perform({ stream: numbers(5_000), bytes: null })
    expect(counts).toEqual({ lines: 1_500, created: 600, existing: 0, refused: 0, unavailable: 900 })
    expect(storage.sent).toEqual([500, 500, 500])
    expect(said[0]).toMatch(/^line 601: \[unavailable\] outcome unknown; retrying with the same key or id is safe/)
    expect(said.at(-1)).toMatch(/^Nothing is accepted any more: stopped here\./)
  })

  test('stops at the first that is not accepted where that was asked for', async () => {
    await using storage = new Failing(600)
    const { run } = runOn(storage, true)
    expect(await run.perform({ stream: numbers(5_000), bytes: null })).toMatchObject({ lines: 1_000, unavailable: 400 })
    expect(storage.sent).toEqual([500, 500])
  })

  test.each([
    ['that is no JSON', '{', 'line 3: [invalid_argument] the line is not JSON'],
    ['with an option out of range', '{"payload":3,"timeoutMs":-1}', 'line 3: [invalid_argument] timeoutMs is -1'],
    ['of a type that is not declared', '{"payload":3,"type":"other","id":"x y"}', 'line 3: [invalid_argument] id'],
    [
      'whose key is in use and may not be',
      '{"payload":3,"key":"k","onDuplicate":"no_reuse"}',
      'line 3: [duplicate_activity]',
    ],
  ])('sends nothing behind a line %s where it is to stop', async (_, bad, why) => {
    await using storage = new MemoryStorage()
    const { run, said } = runOn(storage, true, false)
    const lines = ['{"payload":1,"key":"k"}', '{"payload":2,"key":"l","onDuplicate":"no_reuse"}', bad, '{"payload":4}']
    const counts = await run.perform({ stream: Readable.from([Buffer.from(lines.join('\n'))]), bytes: null })
    expect(counts).toEqual({ lines: 3, created: 2, existing: 0, refused: 1, unavailable: 0 })
    expect(said[0]).toContain(why)
    expect((await storage.stats()).pending).toBe(2)
  })

  test('goes on behind it where it is not', async () => {
    await using storage = new MemoryStorage()
    const { run } = runOn(storage, false, false)
    const lines = ['{"payload":1}', '{"payload":3,"timeoutMs":-1}', '{"payload":4}']
    const counts = await run.perform({ stream: Readable.from([Buffer.from(lines.join('\n'))]), bytes: null })
    expect(counts).toMatchObject({ lines: 3, created: 2, refused: 1 })
  })
})

describe('batches of lines', () => {
  test('are bounded in lines and in characters', async () => {
    const sizes = async (lines: readonly string[]): Promise<number[]> => {
      const batches: number[] = []
      for await (const batch of lineBatches(Readable.from(lines.map(line => Buffer.from(`${line}\n`))), DEFAULTS))
        batches.push(batch.length)
      return batches
    }
    expect(await sizes(Array.from({ length: 1_100 }, () => '1'))).toEqual([500, 500, 100])
    const megabyte = JSON.stringify('x'.repeat(1_048_574))
    expect(await sizes(Array.from({ length: 6 }, () => megabyte))).toEqual([4, 2])
  })

  test('do not wait for what has not come', async () => {
    const clock = new ManualClock()
    const input = new Readable({ read: () => undefined })
    const batches = lineBatches(input, DEFAULTS, clock)
    input.push('1\n2\n3')
    const first = batches.next()
    while (clock.pendingTimers === 0) await new Promise(setImmediate)
    await clock.advance(100)
    expect((await first).value).toMatchObject([{ number: 1 }, { number: 2 }])
    input.push('\n')
    input.push(null)
    expect((await batches.next()).value).toMatchObject([{ number: 3, item: { input: 3 } }])
    expect((await batches.next()).done).toBe(true)
  })
})

describe('a line', () => {
  const defaults: LineDefaults = {
    ...{ type: 'work', isRaw: false },
    options: { delayMs: 5, priority: 'low', onDuplicate: 'no_reuse', metadata: { a: '1' } },
  }

  test('says what holds for it, and leaves the rest to what holds for all', () => {
    expect(readLine('{"payload":1}', defaults)).toMatchObject({
      ...{ type: 'work' },
      item: { input: 1, options: { delayMs: 5, priority: 'low', metadata: { a: '1' } } },
    })
    const own = '{"payload":1,"type":"other","key":"k","scheduledAt":1000,"priority":"high","metadata":{}}'
    expect(readLine(own, defaults)).toEqual({
      ...{ type: 'other' },
      item: {
        input: 1,
        options: { key: 'k', scheduledAt: new Date(1_000), priority: 'high', onDuplicate: 'no_reuse', metadata: {} },
      },
    })
  })

  test('has no use for what to do with duplicates where it has no key', () => {
    expect(readLine('{"payload":1}', defaults)).not.toHaveProperty('item.options.onDuplicate')
  })

  test.each([
    ['an array', '[]', 'the line must be an object with a payload; with --raw'],
    ['an unknown field', '{"payload":1,"toString":2}', 'there is no field "toString"'],
    ['a bad type', '{"payload":1,"type":"a.b"}', 'type is "a.b"'],
    ['no time', '{"payload":1,"scheduledAt":true}', 'scheduledAt is true'],
    ['a time in words', '{"payload":1,"scheduledAt":"tomorrow"}', 'scheduledAt is "tomorrow"'],
    ['half of one', '{"payload":', 'the line is not JSON'],
    ['what is nested without end', '['.repeat(100_000), 'levels deep'],
  ])('of %s is refused', (_, text, why) => {
    const read = readLine(text, defaults)
    expect('error' in read ? read.error.message : 'accepted').toContain(why)
  })
})
