import { expect, test } from 'vitest'
import { OperationGround, fingerprintOf } from '../../test/support/operation-setup.ts'
import type { DeadLetterListParams, Storage } from '../storage/storage.ts'
import { groupDeadLetters } from './dead-letter-groups.ts'

test('dead letters of one fingerprint are one group: how many, of which types, when, with the newest failure', async () => {
  await using ground = new OperationGround()
  const mails = await ground.dead(3, { message: 'order 17 has no route' })
  const [sms = ''] = await ground.dead(1, { type: 'sms', message: 'order 4711 has no route' })
  const [other = ''] = await ground.dead(1, { message: 'paper jam' })
  await ground.memory.redrive({ id: mails[0] ?? '' })
  const failedAtMs = async (id: string): Promise<number> => (await ground.memory.getActivity({ id }))?.endedAtMs ?? 0
  expect(await groupDeadLetters(ground.memory)).toEqual({
    lookedAt: 5,
    isComplete: true,
    groups: [
      {
        fingerprint: fingerprintOf('order 1 has no route'),
        ...{ count: 4, redriven: 1, types: ['mail', 'sms'] },
        firstFailedAtMs: await failedAtMs(mails[0] ?? ''),
        lastFailedAtMs: await failedAtMs(sms),
        error: { name: 'Error', message: 'order 4711 has no route' },
        sampleIds: [sms, ...mails.toReversed()],
      },
      expect.objectContaining({ count: 1, sampleIds: [other] }),
    ],
  })
  expect((await groupDeadLetters(ground.memory, { type: 'sms' })).groups).toMatchObject([{ count: 1, types: ['sms'] }])
  await ground.memory.discard({ id: sms })
  expect((await groupDeadLetters(ground.memory)).groups).toMatchObject([{ count: 3, types: ['mail'] }, { count: 1 }])
})

test('it looks at no more than it may, the newest, and says that there are more', async () => {
  await using ground = new OperationGround()
  await ground.dead(300, { message: 'old' })
  await ground.dead(200, { message: 'new' })
  const { groups, ...rest } = await groupDeadLetters(ground.memory, { limit: 250 })
  expect(rest).toEqual({ lookedAt: 250, isComplete: false })
  expect(groups.map(({ count, error }) => [count, error.message])).toEqual([
    [200, 'new'],
    [50, 'old'],
  ])
  expect(groups.every(({ sampleIds }) => sampleIds.length === 5)).toBe(true)
})

test('a copy of a dead letter is not counted', async () => {
  await using ground = new OperationGround()
  const { memory } = ground
  await ground.dead(3)
  const copying = new Proxy<Storage>(memory, {
    get: (target, name) =>
      name === 'listDeadLetters'
        ? async ({ cursor }: DeadLetterListParams) => ({
            ...(await memory.listDeadLetters({})),
            cursor: cursor === null ? 'again' : null,
          })
        : Reflect.get(target, name),
  })
  expect(await groupDeadLetters(copying)).toMatchObject({ groups: [{ count: 3 }], lookedAt: 3, isComplete: true })
})

test('no dead letters are no groups; a bad limit and an aborted signal are refused', async () => {
  await using ground = new OperationGround()
  expect(await groupDeadLetters(ground.memory)).toEqual({ groups: [], lookedAt: 0, isComplete: true })
  await expect(groupDeadLetters(ground.memory, { limit: 0 })).rejects.toMatchObject({ code: 'invalid_argument' })
  const signal = AbortSignal.abort()
  await expect(groupDeadLetters(ground.memory, { signal })).rejects.toMatchObject({ code: 'cancelled' })
})
