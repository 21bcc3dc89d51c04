// `errand dlq` and `errand ops` as people type them, against real servers: what is answered, and what each ends with.

import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { OPERATION_TYPE } from '../../src/operations/operation.ts'
import { KafkaStorage } from '../../src/storage/kafka/index.ts'
import type { DeadLetterSummary, Page } from '../../src/storage/storage.ts'
import { CliProcess } from '../support/cli-process.ts'
import { makeDeadLetters } from '../support/dead-letters.ts'
import { dropTopics } from '../support/drop-topics.ts'
import { freshNamespace, kafkaBrokers, redisUrl } from '../support/stack.ts'

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

describe('dead letters and bulk work', () => {
  const namespace = freshNamespace()
  let storage: KafkaStorage
  let mails: string[] = []
  let texts: string[] = []

  const start = (...args: string[]): CliProcess =>
    new CliProcess([...args, '--namespace', namespace], {
      env: { ERRAND_KAFKA_BROKERS: kafkaBrokers().join(','), ERRAND_REDIS_URL: redisUrl() },
    })

  const errand = async (...args: string[]): Promise<Ended> => {
    await using process = start(...args)
    const code = await process.ended()
    return { code, stdout: process.stdout, stderr: process.stderr }
  }

  /** What it answers as JSON; it must end well. */
  const answer = async <T>(...args: string[]): Promise<T> => {
    const { code, stdout, stderr } = await errand(...args, '--json')
    expect(code, stderr).toBe(0)
    return JSON.parse(stdout) as T
  }

  const redrivenOf = async (ids: readonly string[]): Promise<(string | null)[]> =>
    Promise.all(ids.map(async id => (await storage.getActivity({ id }))?.redrivenAs ?? null))

  beforeAll(async () => {
    storage = await KafkaStorage.open({ namespace, brokers: kafkaBrokers(), redisUrl: redisUrl(), partitions: 2 })
    mails = await makeDeadLetters(storage, { type: 'mail', count: 40 })
    texts = await makeDeadLetters(storage, { type: 'sms', count: 3, message: n => `paper \u001B[31mjam ${n}` })
    await storage.declareTypes({ types: [OPERATION_TYPE] })
  })

  afterAll(async () => {
    await storage.close()
    await dropTopics(namespace)
  })

  test('groups show how many died of what, the largest first, and nothing that a terminal would obey', async () => {
    const groups = await answer<{ items: { count: number; types: string[] }[] }>('dlq', 'groups')
    expect(groups).toMatchObject({
      items: [
        { count: 40, redriven: 0, types: ['mail'], error: { name: 'Error' } },
        { count: 3, redriven: 0, types: ['sms'] },
      ],
      ...{ lookedAt: 43, isComplete: true },
    })
    const { code, stdout, stderr } = await errand('dlq', 'groups', '--look-at', '3')
    expect([code, stdout]).toEqual([0, expect.stringMatching(/COUNT[\s\S]* 3 .*sms .*paper/)])
    expect(stdout).not.toContain('\u001B')
    expect(stderr).toMatch(/3 dead letters were looked at\. There are older ones/)
  })

  test('a list goes on at its cursor, and a filter leaves out the rest', async () => {
    interface List {
      items: { id: string; fingerprint: string }[]
      cursor: string | null
    }
    const first = await answer<List>('dlq', 'list', '--limit', '30')
    const second = await answer<List>('dlq', 'list', '--limit', '30', '--cursor', String(first.cursor))
    expect([first.items.length, second.items.length, second.cursor]).toEqual([30, 13, null])
    expect(new Set([...first.items, ...second.items].map(({ id }) => id))).toEqual(new Set([...mails, ...texts]))
    const fingerprint = first.items[0]?.fingerprint ?? ''
    const group = await errand('dlq', 'list', '--fingerprint', fingerprint, '--all', '-o', 'jsonl')
    const found = group.stdout
      .trim()
      .split('\n')
      .map(line => (JSON.parse(line) as { id: string }).id)
    expect([group.code, new Set(found)]).toEqual([0, new Set(texts)])
    expect(await answer('dlq', 'list', '--before', '1h')).toEqual({ items: [], cursor: null })
    expect(await answer<List>('dlq', 'list', '--type', 'sms', '--after', '1h')).toMatchObject({ items: [{}, {}, {}] })
    expect((await errand('dlq', 'list', '--fingerprint', 'none')).code).toBe(2)
  })

  test('one is shown with its payload, its attempts and the fingerprint of its group; what is none is told apart', async () => {
    const [id = ''] = texts
    const fingerprint = (await storage.listDeadLetters({ type: 'sms', limit: 1 })).items[0]?.fingerprint
    const shown = await answer('dlq', 'show', id)
    expect(shown).toMatchObject({
      ...{ id, type: 'sms', status: 'dead_letter', fingerprint, payload: { n: 0 } },
      events: expect.arrayContaining([expect.objectContaining({ type: 'dead_letter', attempt: 1 })]),
    })
    const { stdout } = await errand('dlq', 'show', id)
    expect(stdout).toMatch(/became a dead letter[\s\S]*at send \(\/app\/mail\.ts:10:3\)[\s\S]*errand dlq redrive/)
    expect(stdout).not.toContain('\u001B')
    const unknown = await errand('dlq', 'show', '0199f3a2-7c1e-7d4b-9b1a-52f0c0a1b2c3')
    expect([unknown.code, unknown.stderr]).toEqual([3, expect.stringContaining(`in namespace ${namespace}`)])
    const again = await storage.redrive({ id })
    const waiting = await errand('dlq', 'show', again.id)
    expect([waiting.code, waiting.stderr]).toEqual([4, expect.stringContaining('is no dead letter: it waits')])
  })

  test('an export has every payload, on stdout or in a file that is whole', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'errand-export-'))
    try {
      const out = join(folder, 'dead.ndjson')
      const filed = await errand('dlq', 'export', '--out', out)
      expect(filed).toMatchObject({ code: 0, stdout: '' })
      expect(filed.stderr).toContain('43 dead letters exported.')
      expect(await readdir(folder)).toEqual(['dead.ndjson'])
      const lines = (await readFile(out, 'utf8')).trim().split('\n')
      const rows = lines.map(line => JSON.parse(line) as { id: string; type: string; payload: { n: number } })
      expect(new Map(rows.filter(({ type }) => type === 'mail').map(({ id, payload }) => [id, payload.n]))).toEqual(
        new Map(mails.map((id, n) => [id, n])),
      )
      const { code, stdout } = await errand('dlq', 'export', '--type', 'mail', '--max', '2')
      expect([code, stdout]).toEqual([
        0,
        `${lines
          .filter(line => line.includes('"type":"mail"'))
          .slice(0, 2)
          .join('\n')}\n`,
      ])
      expect((await errand('dlq', 'export', '--out', join(folder, 'no', 'folder'))).code).toBe(2)
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  test('without a filter, an answer, or with both ids and a filter nothing is redriven; a dry run only counts', async () => {
    expect((await errand('dlq', 'redrive')).code).toBe(2)
    expect((await errand('dlq', 'redrive', mails[0] ?? '', '--all')).code).toBe(2)
    expect((await errand('dlq', 'redrive', '--all', '--wait', '--detach')).code).toBe(2)
    const asked = await errand('dlq', 'redrive', '--type', 'mail', '--no-input')
    expect([asked.code, asked.stderr]).toEqual([
      2,
      expect.stringMatching(/^40 activities to be enqueued anew, such as\n(  .*mail.*\n){3}/),
    ])
    expect(await answer('dlq', 'redrive', '--type', 'mail', '--max', '7', '--dry-run')).toMatchObject({
      ...{ kind: 'redrive', count: 7, isExact: true, already: 0 },
      samples: [{ type: 'mail' }, {}, {}],
    })
    expect(new Set(await redrivenOf(mails))).toEqual(new Set([null]))
    expect(await answer('ops', 'list')).toEqual({ items: [] })
  })

  test('by ids it is done at once, twice gives the same, and what is not known is told', async () => {
    const [first = '', second = ''] = mails
    interface Redriven {
      items: { id: string; redrivenAs: string | null; error: string | null }[]
    }
    const once = await answer<Redriven>('dlq', 'redrive', first, '--reason', 'mended')
    expect(await answer<Redriven>('dlq', 'redrive', first)).toEqual(once)
    expect(await redrivenOf([first])).toEqual([once.items[0]?.redrivenAs])
    const some = await errand('dlq', 'redrive', second, 'unknown', '--json')
    expect([some.code, JSON.parse(some.stdout)]).toEqual([
      6,
      {
        items: [
          { id: second, redrivenAs: expect.any(String), error: null },
          { id: 'unknown', redrivenAs: null, error: 'not_found' },
        ],
      },
    ])
    expect((await errand('dlq', 'redrive', 'unknown')).code).toBe(3)
    expect((await errand('dlq', 'redrive', once.items[0]?.redrivenAs ?? '')).code).toBe(4) // it waits
  })

  test('while nobody serves it, it waits, says so, and can be looked at, left and cancelled', async () => {
    const started = await errand('dlq', 'redrive', '--type', 'mail', '--yes', '--detach', '--json')
    expect([started.code, started.stderr]).toEqual([
      0,
      expect.stringContaining('nobody serves it: start `errand reaper`'),
    ])
    const { id } = JSON.parse(started.stdout) as { id: string }
    expect(await answer('ops', 'list')).toMatchObject({ items: [{ id, state: 'queued', left: 38, done: 0 }] })
    await using attached = start('ops', 'attach', id)
    await attached.heard('stderr', /queued: 0 enqueued anew/)
    attached.signal('SIGINT')
    expect(await attached.ended()).toBe(130)
    expect(attached.stderr).toContain(`\`errand ops attach ${id}\``)
    expect(await answer('ops', 'cancel', id, '--reason', 'too early')).toEqual({ id, outcome: 'cancelled' })
    expect((await errand('ops', 'cancel', id)).code).toBe(4)
    expect((await errand('ops', 'attach', id)).code).toBe(6)
    const shown = await errand('ops', 'show', id)
    expect([shown.code, shown.stdout]).toEqual([
      0,
      expect.stringMatching(/cancelled: 0 enqueued anew[\s\S]*redrive dead_letter of mail/),
    ])
    expect((await errand('ops', 'show', mails[0] ?? '')).code).toBe(3) // no operation
  })

  test('with a reaper it goes on when its watcher leaves, and ends; what cannot be redriven is listed, and is exit 6', async () => {
    await using reaper = start('reaper', '--http-port', 'off')
    await reaper.heard('stderr', /"message":"errand-reaper runs"/)
    await using watching = start('dlq', 'redrive', '--type', 'mail', '--yes', '--rate', '4/s', '--reason', 'mended')
    await watching.heard('stderr', /running: \d+ enqueued anew/)
    watching.signal('SIGINT')
    expect(await watching.ended()).toBe(130)
    const [, id = ''] = /`errand ops attach (\S+)`/.exec(watching.stderr) ?? []
    const { code, stdout } = await errand('ops', 'attach', id, '--json')
    expect([code, JSON.parse(stdout)]).toEqual([
      0,
      expect.objectContaining({ state: 'completed', done: 38, already: 2, failed: 0, left: 0 }),
    ])
    expect(await redrivenOf(mails)).not.toContain(null)
    const partly = await errand('dlq', 'redrive', texts[1] ?? '', 'unknown', '--detach', '--yes', '--json')
    const { id: partlyId } = JSON.parse(partly.stdout) as { id: string }
    const end = await errand('ops', 'attach', partlyId)
    expect([end.code, end.stdout]).toEqual([6, expect.stringContaining('1 enqueued anew, 1 failed.')])
    expect(end.stderr).toMatch(/unknown: \[not_found\]/)
    expect(await answer<{ items: unknown[] }>('ops', 'list', '--limit', '2')).toMatchObject({
      items: [
        { id: partlyId, state: 'completed', failed: 1, failures: [{ id: 'unknown', code: 'not_found' }] },
        { id, state: 'completed', head: { reason: 'mended', ratePerSecond: 4 } },
      ],
    })
    reaper.signal('SIGTERM')
    expect(await reaper.ended()).toBe(0)
  })

  test('dead letters that were dealt with are discarded: by ids at once, by a filter where a reaper runs', async () => {
    const ids = await makeDeadLetters(storage, { type: 'fax', count: 5 })
    const [first = '', second = ''] = ids
    const listed = async (...args: string[]): Promise<readonly DeadLetterSummary[]> =>
      (await answer<Page<DeadLetterSummary>>('dlq', 'list', '--type', 'fax', ...args)).items
    expect((await errand('dlq', 'discard')).code).toBe(2)
    const some = await errand('dlq', 'discard', first, 'unknown', '--reason', 'sent by post', '--json')
    expect([some.code, JSON.parse(some.stdout)]).toEqual([
      6,
      {
        items: [
          { id: first, outcome: 'discarded', error: null },
          { id: 'unknown', outcome: null, error: 'not_found' },
        ],
      },
    ])
    const again = await errand('dlq', 'discard', first)
    expect([again.code, again.stdout]).toEqual([0, `${first} was discarded before\n`])
    expect((await listed()).map(({ id }) => id)).not.toContain(first)
    expect((await listed('--include-discarded')).find(({ id }) => id === first)?.discarded?.reason).toBe('sent by post')
    expect((await errand('dlq', 'show', first)).stdout).toMatch(/discarded .*: sent by post/)
    const { items } = await answer<{ items: { redrivenAs: string }[] }>('dlq', 'redrive', second)
    expect((await errand('dlq', 'discard', second)).code).toBe(4)
    expect((await errand('dlq', 'discard', items[0]?.redrivenAs ?? '')).code).toBe(4) // it waits
    await using reaper = start('reaper', '--http-port', 'off')
    await reaper.heard('stderr', /"message":"errand-reaper runs"/)
    const bulk = await errand('dlq', 'discard', '--type', 'fax', '--yes', '--reason', 'all sent', '--json')
    expect([bulk.code, bulk.stderr, JSON.parse(bulk.stdout)]).toEqual([
      0,
      expect.stringContaining('3 activities to be discarded; 1 more were redriven or discarded before'),
      expect.objectContaining({ state: 'completed', done: 3, already: 1, failed: 0 }),
    ])
    expect((await listed()).map(({ id }) => id)).toEqual([second])
  })
})
