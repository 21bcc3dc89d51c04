import { describe, expect, test } from 'vitest'
import { OperationGround, each, fingerprintOf } from '../../test/support/operation-setup.ts'
import { ErrandError } from '../core/errors.ts'
import { OPERATION_LIMITS } from '../core/limits.ts'
import type { OperationStorage, Storage } from '../storage/storage.ts'
import type { OperationSpec } from './operation.ts'

const MAIL: OperationSpec = { kind: 'redrive', filter: { type: 'mail' }, ratePerSecond: 1_000 }

/** The storage with some of its methods replaced. */
function having(storage: Storage, own: Partial<Storage>): Storage {
  return new Proxy(storage, {
    get(target, name) {
      const value: unknown = Reflect.get(name in own ? own : target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

describe('what is redriven', () => {
  test('every dead letter that the filter matches, once, and no other', async () => {
    await using ground = new OperationGround()
    const mails = await ground.dead(450)
    const others = await ground.dead(3, { type: 'sms' })
    expect(await ground.perform(MAIL)).toEqual({ found: 450, done: 450, already: 0, failed: 0, failures: [] })
    expect(await ground.redrives(mails)).toEqual(each(mails, 1))
    expect(await ground.redrives(others, 'sms')).toEqual(each(others, 0))
    expect(await ground.progress()).toMatchObject({ state: 'completed', position: null, queue: [], worker: 'w1' })
  })

  test('those of one fingerprint, of a stretch of time, or named', async () => {
    await using ground = new OperationGround()
    const timeouts = await ground.dead(4, { message: 'timed out after 30 s' })
    const routes = await ground.dead(4, { message: 'no route to 10.0.0.7' })
    const all = [...timeouts, ...routes]
    const { found } = await ground.perform({
      kind: 'redrive',
      filter: { fingerprint: fingerprintOf('no route to 10.0.0.9') },
    })
    expect([found, await ground.redrives(all)]).toEqual([4, { ...each(timeouts, 0), ...each(routes, 1) }])
    const atMs = (await ground.memory.getActivity({ id: timeouts[1] ?? '' }))?.endedAtMs ?? 0
    const stretch = await performAnew(ground, { kind: 'redrive', filter: { afterMs: atMs, beforeMs: atMs + 2 } })
    expect(stretch).toMatchObject({ found: 2, done: 2 })
    const named = await performAnew(ground, {
      kind: 'redrive',
      filter: { ids: [timeouts[0] ?? '', timeouts[1] ?? ''] },
    })
    expect(named).toMatchObject({ found: 2, done: 1, already: 1 })
    expect(await ground.redrives(all)).toEqual({ ...each(all, 1), [timeouts[3] ?? '']: 0 })
  })

  test('at most as many as asked for, the newest; what was redriven before is passed over and does not count', async () => {
    await using ground = new OperationGround()
    const mails = await ground.dead(10)
    for (const id of mails.slice(8)) await ground.memory.redrive({ id })
    expect(await ground.perform({ ...MAIL, max: 3 })).toMatchObject({ found: 5, done: 3, already: 2, failed: 0 })
    expect(await ground.redrives(mails)).toEqual({ ...each(mails, 0), ...each(mails.slice(5), 1) })
  })

  test('what dies again meanwhile is not redriven again: only what was there at the start is', async () => {
    await using ground = new OperationGround()
    const [id = ''] = await ground.dead(1)
    const atMs = (await ground.memory.getActivity({ id }))?.endedAtMs ?? 0
    await ground.dead(5)
    expect(await ground.perform({ ...MAIL, filter: { type: 'mail', beforeMs: atMs + 1 } })).toMatchObject({ found: 1 })
  })

  test('failed and cancelled activities too, when asked for', async () => {
    await using ground = new OperationGround()
    const [id = ''] = await ground.waiting(1)
    await ground.memory.cancel({ id })
    expect(await ground.perform({ kind: 'redrive', filter: { status: 'cancelled', all: true } })).toMatchObject({
      done: 1,
    })
    expect(await ground.redrives([id])).toEqual({ [id]: 1 })
  })
})

describe('what is cancelled', () => {
  test('whatever waits or runs of a type, but no operation unless it is named', async () => {
    await using ground = new OperationGround()
    const running = await ground.waiting(1)
    await ground.memory.dequeue({ workerId: 'w', timeoutMs: 0, types: ['mail'], leaseMs: 3_600_000 })
    await ground.waiting(250)
    await ground.waiting(250, { delayMs: 3_600_000 })
    await ground.waiting(1, { type: 'errand-operation' })
    const summary = await ground.perform({ kind: 'cancel', filter: { all: true }, ratePerSecond: 1_000 })
    expect(summary).toMatchObject({ found: 501, done: 501, failed: 0 })
    const { cancelled, byType } = await ground.memory.stats()
    expect([cancelled, byType['errand-operation']?.pending]).toEqual([500, 1])
    expect(await ground.memory.getActivity({ id: running[0] ?? '' })).toMatchObject({ cancelRequested: true })
  })

  test('a list that moves up as its items leave it is gone through to its end', async () => {
    await using ground = new OperationGround()
    await ground.waiting(450, { delayMs: 3_600_000 })
    // As the schedule in Redis is listed: by rank.
    const byRank = having(ground.memory, {
      list: async ({ cursor }) => {
        const from = Number(cursor ?? 0)
        const all = await ground.scheduled()
        return { items: all.slice(from, from + 200), cursor: from + 200 < all.length ? String(from + 200) : null }
      },
    })
    const filter = { type: 'mail', status: 'scheduled' } as const
    expect(await ground.perform({ kind: 'cancel', filter, ratePerSecond: 1_000 }, byRank)).toMatchObject({ done: 450 })
  })
})

test('it acts no faster than its rate', async () => {
  await using ground = new OperationGround()
  const mails = await ground.dead(100)
  const running = await ground.begin({ ...MAIL, ratePerSecond: 20 })
  for (let tenths = 0; tenths < 30; tenths++) await ground.clock.advance(100)
  const redriven = Object.values(await ground.redrives(mails)).filter(count => count > 0).length
  expect(redriven).toBeGreaterThanOrEqual(58)
  expect(redriven).toBeLessThanOrEqual(62)
  expect(await running.end()).toMatchObject({ done: 100 })
})

describe('an attempt that is cut off', () => {
  test('given back as its worker stops, the next one goes on where it was', async () => {
    await using ground = new OperationGround()
    const mails = await ground.dead(450)
    const first = await ground.begin({ ...MAIL, ratePerSecond: 100 })
    await ground.clock.advance(500)
    first.abort('shutdown')
    await expect(first.end()).rejects.toMatchObject({ why: 'shutdown' })
    const saved = await ground.progress()
    expect(saved).toMatchObject({ state: 'running', endedAtMs: null })
    expect(saved?.done).toBeGreaterThan(0)
    expect(await ground.perform(MAIL)).toMatchObject({ found: 450, done: 450, already: 0 })
    expect(await ground.redrives(mails)).toEqual(each(mails, 1))
  })

  test('killed between two saves, the next one counts exactly, and nothing is redriven twice', async () => {
    await using ground = new OperationGround()
    const mails = await ground.dead(450)
    for (const savesMax of [1, 2, 3, 5]) {
      let saves = 0
      let kill = (): void => undefined
      const real = ground.memory.operations
      const operations: OperationStorage = {
        get: params => real.get(params),
        list: params => real.list(params),
        async save(params) {
          saves += 1
          if (saves <= savesMax) return real.save(params)
          kill()
          return false
        },
      }
      const dying = await ground.begin({ ...MAIL, ratePerSecond: 50 }, having(ground.memory, { operations }))
      kill = () => dying.abort('lease_lost')
      await expect(dying.end()).rejects.toMatchObject({ why: 'lease_lost' })
    }
    const unsaved = Object.values(await ground.redrives(mails)).filter(count => count > 0).length
    expect(unsaved).toBeGreaterThan((await ground.progress())?.done ?? 0)
    expect(await ground.perform(MAIL)).toMatchObject({ found: 450, done: 450, already: 0, failed: 0 })
    expect(await ground.redrives(mails)).toEqual(each(mails, 1))
  })

  test('with its progress lost it begins anew, and finds redriven what was', async () => {
    await using ground = new OperationGround()
    const mails = await ground.dead(300)
    const first = await ground.begin({ ...MAIL, ratePerSecond: 100 })
    await ground.clock.advance(1_000)
    first.abort('shutdown')
    await expect(first.end()).rejects.toThrow()
    await ground.memory.operations.save({ id: ground.operationId, progressJson: 'lost' })
    const { found, done, already } = await ground.perform(MAIL)
    expect([found, done + already]).toEqual([300, 300])
    expect(already).toBeGreaterThan(0)
    expect(await ground.redrives(mails)).toEqual(each(mails, 1))
  })

  test('cancelled, it says so and acts on nothing more', async () => {
    await using ground = new OperationGround()
    const mails = await ground.dead(200)
    const running = await ground.begin({ ...MAIL, ratePerSecond: 10 })
    await ground.clock.advance(1_000)
    running.abort('cancelled')
    await expect(running.end()).rejects.toMatchObject({ why: 'cancelled' })
    const progress = await ground.progress()
    expect(progress).toMatchObject({ state: 'cancelled', failed: 0 })
    expect(progress?.endedAtMs).not.toBeNull()
    const redriven = Object.values(await ground.redrives(mails)).filter(count => count > 0).length
    expect([progress?.done, redriven < 30]).toEqual([redriven, true])
  })

  test('what fails while it is told to end counts for nobody: it waits for whoever goes on', async () => {
    await using ground = new OperationGround()
    const [id = ''] = await ground.dead(1)
    let stop = (): void => undefined
    const failing = having(ground.memory, {
      redrive: () => {
        stop()
        return Promise.reject(new ErrandError('internal', 'the connection was closed'))
      },
    })
    const running = await ground.begin(MAIL, failing)
    stop = () => running.abort('shutdown')
    await expect(running.end()).rejects.toMatchObject({ why: 'shutdown' })
    expect(await ground.progress()).toMatchObject({ done: 0, failed: 0, queue: [{ id, tries: 0 }] })
    expect(await ground.perform(MAIL)).toMatchObject({ found: 1, done: 1, failed: 0 })
  })

  test('whose lease is lost saves nothing: whoever has it now saves what is newer', async () => {
    await using ground = new OperationGround()
    await ground.dead(50)
    const running = await ground.begin({ ...MAIL, ratePerSecond: 10 })
    await ground.clock.advance(500)
    await ground.memory.operations.save({ id: ground.operationId, progressJson: '"newer"' })
    running.abort('lease_lost')
    await expect(running.end()).rejects.toMatchObject({ why: 'lease_lost' })
    expect(await ground.memory.operations.get({ id: ground.operationId })).toBe('"newer"')
  })
})

describe('what goes wrong', () => {
  const away = (): Promise<never> => Promise.reject(new ErrandError('unavailable', 'Kafka is away'))

  test('dead letters are discarded, those that were redriven or discarded are passed over, and none is redriven in bulk', async () => {
    await using ground = new OperationGround()
    const { memory } = ground
    const mails = await ground.dead(6)
    const [redriven = '', discarded = '', named = ''] = mails
    await memory.redrive({ id: redriven })
    await memory.discard({ id: discarded })
    const ids = [discarded, redriven, named, 'unknown']
    expect(await ground.perform({ kind: 'discard', filter: { ids } })).toMatchObject({
      ...{ found: 4, done: 1, already: 2, failed: 1 },
      failures: [{ id: 'unknown', code: 'not_found' }],
    })
    const rest = await performAnew(ground, { ...MAIL, kind: 'discard', reason: 'paid by hand' })
    expect(rest).toMatchObject({ found: 4, done: 3, already: 1, failed: 0 })
    const { items } = await memory.listDeadLetters({ includeDiscarded: true })
    expect(items.filter(letter => letter.discarded?.reason === 'paid by hand').map(({ id }) => id)).toEqual(
      mails.slice(3).reverse(),
    )
    expect((await memory.listDeadLetters({})).items.map(({ id }) => id)).toEqual([redriven])
    expect(await performAnew(ground, MAIL)).toMatchObject({ found: 1, done: 0, already: 1 })
  })

  test('what was discarded since the last save counts as discarded before', async () => {
    await using ground = new OperationGround()
    const ids = await ground.dead(3)
    const racing = having(ground.memory, {
      discard: async params => {
        await ground.memory.discard({ id: ids[1] ?? '' })
        return ground.memory.discard(params)
      },
    })
    expect(await ground.perform({ ...MAIL, kind: 'discard' }, racing)).toMatchObject({ found: 3, done: 2, already: 1 })
  })

  test('an item that cannot be acted on is counted, with its reason, and the rest goes on', async () => {
    await using ground = new OperationGround()
    const ids = [...(await ground.dead(3)), 'unknown']
    const summary = await ground.perform({ kind: 'redrive', filter: { ids } })
    expect(summary).toMatchObject({ found: 4, done: 3, failed: 1, failures: [{ id: 'unknown', code: 'not_found' }] })
  })

  test('of many failures the latest hundred are kept, and all are counted', async () => {
    await using ground = new OperationGround()
    const ids = Array.from({ length: 300 }, (_, n) => `unknown-${n}`)
    const summary = await ground.perform({ kind: 'redrive', filter: { ids }, ratePerSecond: 1_000 })
    expect(summary).toMatchObject({ found: 300, done: 0, failed: 300 })
    expect(summary.failures).toHaveLength(OPERATION_LIMITS.failuresMax)
    expect(summary.failures.at(-1)?.id).toBe('unknown-299')
  })

  test('while Kafka or Redis are away nothing is lost: it waits, and goes on', async () => {
    await using ground = new OperationGround()
    const mails = await ground.dead(40)
    let calls = 0
    const storage = having(ground.memory, {
      listDeadLetters: params => ((calls += 1) <= 3 ? away() : ground.memory.listDeadLetters(params)),
      redrive: params => ((calls += 1) % 3 === 0 ? away() : ground.memory.redrive(params)),
    })
    expect(await ground.perform(MAIL, storage)).toMatchObject({ found: 40, done: 40, failed: 0 })
    expect(await ground.redrives(mails)).toEqual(each(mails, 1))
  })

  test('an item for which they are always away fails after some tries', async () => {
    await using ground = new OperationGround()
    const [bad = '', ...mails] = await ground.dead(5)
    const storage = having(ground.memory, {
      redrive: params => (params.id === bad ? away() : ground.memory.redrive(params)),
    })
    expect(await ground.perform(MAIL, storage)).toMatchObject({
      ...{ found: 5, done: 4, failed: 1 },
      failures: [{ id: bad, code: 'unavailable' }],
    })
    expect(await ground.redrives(mails)).toEqual(each(mails, 1))
  })

  test('progress that cannot be read is no reason to begin anew: the attempt fails', async () => {
    await using ground = new OperationGround()
    const operations = { ...ground.memory.operations, get: away }
    await expect(ground.begin(MAIL, having(ground.memory, { operations }))).rejects.toMatchObject({
      code: 'unavailable',
    })
  })

  test('progress that cannot be saved stops nothing', async () => {
    await using ground = new OperationGround()
    const mails = await ground.dead(30)
    const real = ground.memory.operations
    const operations: OperationStorage = {
      get: params => real.get(params),
      list: params => real.list(params),
      save: away,
    }
    expect(await ground.perform(MAIL, having(ground.memory, { operations }))).toMatchObject({ done: 30 })
    expect(await ground.redrives(mails)).toEqual(each(mails, 1))
  })

  test('attempt after attempt that acts on nothing is given up in the end; one that does begins the count anew', async () => {
    await using ground = new OperationGround()
    await ground.dead(250) // two pages
    const broken = having(ground.memory, {
      listDeadLetters: () => Promise.reject(new ErrandError('internal', 'broken')),
    })
    const attempt = (): Promise<unknown> => ground.perform(MAIL, broken)
    for (let n = 1; n < OPERATION_LIMITS.barrenAttemptsMax; n++) await expect(attempt()).rejects.toThrow('broken')
    const acting = await ground.begin({ ...MAIL, ratePerSecond: 1 })
    await ground.clock.advance(1_500)
    acting.abort('shutdown')
    await expect(acting.end()).rejects.toThrow()
    await ground.memory.operations.save({
      id: ground.operationId,
      progressJson: JSON.stringify({ ...(await ground.progress()), queue: [] }),
    })
    for (let n = 0; n < OPERATION_LIMITS.barrenAttemptsMax; n++) await expect(attempt()).rejects.toThrow('broken')
    await expect(attempt()).rejects.toMatchObject({ name: 'NonRetryableError' })
    expect(await ground.progress()).toMatchObject({ state: 'failed' })
  })
})

/** Another operation over the same ground. */
async function performAnew(ground: OperationGround, spec: OperationSpec): Promise<unknown> {
  await ground.memory.operations.save({ id: ground.operationId, progressJson: 'none' })
  return ground.perform(spec)
}
