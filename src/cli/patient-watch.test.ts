import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { OperationGround } from '../../test/support/operation-setup.ts'
import { ErrandError } from '../core/errors.ts'
import { resolveOperation } from '../operations/operation.ts'
import type { OperationProgress } from '../operations/operation-progress.ts'
import { newProgress } from '../operations/operation-progress.ts'
import { readOperation } from '../operations/watch-operation.ts'
import type { Storage } from '../storage/storage.ts'
import { attachTo, progressText } from './bulk.ts'
import { Output } from './output/output.ts'
import { watchPatiently } from './patient-watch.ts'
import type { Terminal } from './terminal.ts'

async function saved(ground: OperationGround, changes: Partial<OperationProgress>, expected?: number): Promise<void> {
  const operation = resolveOperation({ kind: 'redrive', filter: { all: true }, expected })
  const progress = { ...newProgress(operation, ground.clock.nowMs()), ...changes }
  await ground.memory.operations.save({ id: ground.operationId, progressJson: JSON.stringify(progress) })
}

/** The storage, whose operations cannot be read for a while. */
function away(ground: OperationGround, untilMs: number): Storage {
  const { memory, clock } = ground
  const operations = Object.assign(Object.create(memory.operations) as typeof memory.operations, {
    list: memory.operations.list.bind(memory.operations),
    save: memory.operations.save.bind(memory.operations),
    get: async (params: { id: string }) => {
      if (clock.nowMs() < untilMs) throw new ErrandError('unavailable', 'Redis is away')
      return memory.operations.get(params)
    },
  })
  return new Proxy(memory, {
    get(target, name) {
      const value: unknown = name === 'operations' ? operations : Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

async function watched(ground: OperationGround, awayMs: number): Promise<{ states: string[]; told: string[] }> {
  const [states, told] = [[] as string[], [] as string[]]
  const params = {
    ...{ storage: away(ground, ground.clock.nowMs() + awayMs), id: ground.operationId, clock: ground.clock },
    ...{ signal: new AbortController().signal, onAway: (why: string) => void told.push(why) },
  }
  for await (const { state } of watchPatiently(params)) states.push(state)
  return { states, told }
}

describe('a patient watch', () => {
  test('rides out a while in which nobody can look, and says so once', async () => {
    await using ground = new OperationGround()
    await saved(ground, { state: 'completed' })
    const { states, told } = await ground.until(watched(ground, 60_000))
    expect({ states, told }).toEqual({ states: ['completed'], told: ['[unavailable] Redis is away'] })
  })

  test('gives up after minutes, with what it was told', async () => {
    await using ground = new OperationGround()
    await saved(ground, { state: 'completed' })
    await expect(ground.until(watched(ground, 400_000))).rejects.toMatchObject({ code: 'unavailable' })
  })
})

test('who cannot look is told how to attach, in the end too', async () => {
  await using ground = new OperationGround()
  const said: string[] = []
  const terminal: Terminal = {
    ...{ env: {}, signal: new AbortController().signal, stdin: Readable.from([]) },
    ...{ isInteractive: false, isOutTerminal: false, isInTerminal: false, colors: { out: false, err: false } },
    out: () => Promise.resolve(),
    goOnUnheard: () => undefined,
    err: text => void said.push(text),
  }
  const call = { terminal, output: new Output(terminal, 'text', 'iso') }
  const broken = new Proxy(ground.memory, {
    get: (target, name) => {
      if (name === 'operations') throw new ErrandError('internal', 'broken')
      return Reflect.get(target, name) as unknown
    },
  })
  await expect(attachTo(call, broken, 'op-1')).rejects.toThrow('broken')
  expect(said).toEqual(['It goes on without you: `errand ops attach op-1` shows how far it is.\n'])
})

describe('what was cut off', () => {
  test.each([
    ['of as many as were counted', 200, 140],
    ['of as many as were found', undefined, 40],
  ])('is not shown as done, but %s', async (_, expected, left) => {
    await using ground = new OperationGround()
    const counts = { found: 100, done: 50, already: 0, failed: 10 }
    await saved(ground, { ...counts, state: 'cancelled', position: { stage: 0, cursor: 'x' } }, expected)
    const view = await readOperation(ground.memory, ground.operationId)
    expect(view).toMatchObject({ state: 'cancelled', left })
    expect(progressText(view)).not.toContain('100 %')
  })
})
