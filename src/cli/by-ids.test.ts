// Commands that act on ids, one after the other, while one of them cannot be acted on.

import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { Client } from '../client/client.ts'
import type { ErrorCode } from '../core/errors.ts'
import { ErrandError } from '../core/errors.ts'
import { MemoryStorage } from '../storage/memory/index.ts'
import { cancelIds } from './commands/cancel.ts'
import { loadConfig } from './config/load.ts'
import { actOnIds } from './dead-letter-acts.ts'
import { Output } from './output/output.ts'
import type { Terminal } from './terminal.ts'

function calling() {
  const [out, said, stop] = [[] as string[], [] as string[], new AbortController()]
  const terminal: Terminal = {
    ...{ env: {}, signal: stop.signal, stdin: Readable.from([]) },
    ...{ isInteractive: false, isOutTerminal: false, isInTerminal: false, colors: { out: false, err: false } },
    out: async text => void out.push(text),
    goOnUnheard: () => undefined,
    err: text => void said.push(text),
  }
  const { config } = loadConfig({ env: {}, flags: new Map() })
  const call = { terminal, output: new Output(terminal, 'json', 'iso'), config }
  return { call, said, stop, items: () => (JSON.parse(out.join('')) as { items: unknown[] }).items }
}

interface Redriven {
  readonly redrivenAs: string | null
}

/** What each id throws; undefined: nothing. */
type Troubles = Readonly<Record<string, ErrorCode | undefined>>

const ACTS = {
  redrive: (troubles: Troubles, { call }: ReturnType<typeof calling>) => {
    const client = new Client({ storage: new MemoryStorage() })
    const act = async (_: Client, id: string): Promise<Redriven> => ({ redrivenAs: `${acted(troubles, id)}-again` })
    const said = (id: string): string => id
    const named = { client, ids: Object.keys(troubles), reason: undefined }
    return actOnIds<Redriven>(call, named, { act, undone: { redrivenAs: null }, said })
  },
  cancel: (troubles: Troubles, { call }: ReturnType<typeof calling>) => {
    const cancel = async (id: string): Promise<{ outcome: 'cancelled' }> => {
      acted(troubles, id)
      return { outcome: 'cancelled' }
    }
    return cancelIds(call, { cancel }, Object.keys(troubles), undefined)
  },
}

function acted(troubles: Troubles, id: string): string {
  const code = troubles[id]
  if (code !== undefined) throw new ErrandError(code, 'so it is')
  return id
}

describe.each(['redrive', 'cancel'] as const)('%s by ids', name => {
  test('goes on behind one that cannot be reached, and is partly done', async () => {
    const ground = calling()
    expect(await ACTS[name]({ a: undefined, b: 'unavailable', c: undefined }, ground)).toBe(6)
    expect(ground.said).toEqual(['b: [unavailable] so it is\n'])
    expect(ground.items()).toMatchObject([{ id: 'a' }, { id: 'b', error: 'unavailable' }, { id: 'c' }])
  })

  test.each<[Troubles, number]>([
    [{ a: 'not_found', b: 'unavailable' }, 5],
    [{ a: 'conflict', b: 'not_found' }, 4],
    [{ a: 'not_found' }, 3],
    [{ a: 'internal', b: 'conflict' }, 1],
  ])('with nothing done for %j ends with %i', async (troubles, code) => {
    expect(await ACTS[name](troubles, calling())).toBe(code)
  })

  test('begins no other once it is interrupted', async () => {
    const ground = calling()
    ground.stop.abort('SIGINT')
    expect(await ACTS[name]({ a: undefined }, ground)).toBe(130)
    expect(ground.items()).toEqual([])
  })
})
