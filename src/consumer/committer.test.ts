import { describe, expect, it } from 'vitest'
import { ErrandError } from '../core/errors.ts'
import { silentLogger } from '../core/logger.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { AssignedPartition } from './assigned-partition.ts'
import type { Commit } from './committer.ts'
import { Committer } from './committer.ts'

function setup() {
  const clock = new ManualClock()
  const partition = new AssignedPartition('t', 0, undefined)
  partition.learn(undefined)
  partition.judge(0)
  const sent: Commit[][] = []
  const answers: (() => Promise<void>)[] = []
  const committer = new Committer({
    clock,
    logger: silentLogger,
    intervalMs: 1_000,
    partitions: () => [partition],
    send: commits => {
      sent.push([...commits])
      return answers.shift()?.() ?? Promise.resolve()
    },
  })
  for (let offset = 0; offset < 10; offset += 1) partition.ledger.deliver(offset)
  const finish = (offset: number): void => {
    partition.finish(offset, 0)
    committer.schedule()
  }
  return { clock, partition, sent, answers, committer, finish }
}

describe('the committer', () => {
  it('commits the frontier and what is finished ahead of it, once per interval', async () => {
    const { clock, sent, finish, committer } = setup()
    finish(0)
    finish(2)
    await clock.advance(999)
    expect(sent).toEqual([])
    finish(3)
    await clock.advance(1)
    expect(sent).toEqual([[{ topic: 't', partition: 0, offset: 1, metadata: 'e1:1.2' }]])
    await clock.advance(10_000)
    expect(sent).toHaveLength(1)
    expect(committer.commits).toBe(1)
  })

  it('commits again what the broker did not take', async () => {
    const { clock, sent, answers, finish, committer } = setup()
    answers.push(() => Promise.reject(new ErrandError('unavailable', 'away')))
    finish(0)
    await clock.advance(1_000)
    expect([sent.length, committer.commits]).toEqual([1, 0])
    await clock.advance(1_000)
    expect([sent.length, committer.commits]).toEqual([2, 1])
    expect(sent[1]).toEqual(sent[0])
  })

  it('has one request under way at a time, and a flush waits for it and sends the rest', async () => {
    const { clock, sent, answers, finish, committer } = setup()
    const first = Promise.withResolvers<void>()
    answers.push(() => first.promise)
    finish(0)
    await clock.advance(1_000)
    finish(1)
    const flushed = committer.flush()
    await clock.advance(0)
    expect(sent).toHaveLength(1)
    first.resolve()
    await flushed
    expect(sent.map(([commit]) => commit?.offset)).toEqual([1, 2])
  })

  it('does not commit a partition whose epoch has ended', async () => {
    const { clock, partition, sent, finish } = setup()
    finish(0)
    partition.close()
    await clock.advance(1_000)
    expect(sent).toEqual([])
  })

  it('says so when a flush fails, and begins nothing once stopped', async () => {
    const { clock, sent, answers, finish, committer } = setup()
    answers.push(() => Promise.reject(new ErrandError('unavailable', 'away')))
    finish(0)
    await expect(committer.flush()).rejects.toMatchObject({ code: 'unavailable' })
    committer.stop()
    await clock.advance(5_000)
    expect(sent).toHaveLength(1)
  })
})
