// The commands about activities, as processes against real servers: what they print where, and every exit code that each can give.

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Handle } from '../../src/client/handle.ts'
import { CliGround, HOSTILE, linesOf, parked } from '../support/cli-ground.ts'
import { runErrand, whenSaid } from '../support/errand-process.ts'

const CLI = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
/** Everything that a terminal would obey. */
// oxlint-disable-next-line no-control-regex -- those are what is looked for
const CONTROLS = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F]/

let ground: CliGround
let dead: Handle
let completed: Handle
beforeAll(async () => {
  ground = await CliGround.open()
  dead = await ground.enqueue(
    { does: 'fail', hostile: HOSTILE, big: 1 },
    { maxAttempts: 2, metadata: { from: HOSTILE } },
  )
  completed = await ground.enqueue({ does: 'complete' })
  await Promise.all([ground.until(dead.id, 'dead_letter'), ground.until(completed.id, 'completed')])
})
afterAll(() => ground[Symbol.asyncDispose]())

describe('get', () => {
  test('says how an activity stands in a sentence, then everything, and nothing that a terminal obeys', async () => {
    const { exitCode, stdout, stderr } = await ground.errand(['get', dead.id])
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    const [first] = stdout.split('\n')
    expect(first).toMatch(new RegExp(`^${dead.id} became a dead letter .*, on attempt 2 of 2, after ECONNREFUSED\\.$`))
    expect(stdout).toContain('"does": "fail"')
    expect(stdout).toMatch(/last error\nError: bad red.* thing[\s\S]*cli-ground\.ts/)
    expect(stdout).not.toMatch(CONTROLS)
  })

  test('gives JSON with the payload as it came, every digit of it', async () => {
    const given = '{"n":12345678901234567890,"x":1.0}'
    const { id } = JSON.parse((await ground.errand(['enqueue', 'parked', given, '--json'])).stdout) as { id: string }
    const { exitCode, stdout } = await ground.errand(['get', id, '-o', 'jsonl'])
    expect(exitCode).toBe(0)
    expect(stdout).toContain(`"payload":${given},"result":null`)
    expect(JSON.parse(stdout)).toMatchObject({ id, type: 'parked', status: 'pending', attempt: 1, lastError: null })
  })

  test('gives JSON with the result, every character of it, escaped where a terminal would obey', async () => {
    const { stdout } = await ground.errand(['get', completed.id, '--json'])
    expect(stdout).not.toMatch(CONTROLS)
    expect(JSON.parse(stdout)).toMatchObject({
      status: 'completed',
      result: { state: 'ok', data: { did: 'complete', hostile: HOSTILE } },
    })
  })

  test('says where an unknown id was looked for: 3 when none is known, 6 when some are', async () => {
    const none = await ground.errand(['get', 'nobody'])
    expect(none).toMatchObject({ exitCode: 3, stdout: '' })
    expect(none.stderr).toContain(`no activity nobody in namespace ${ground.namespace}`)
    const some = await ground.errand(['get', 'nobody', completed.id, '-o', 'jsonl'])
    expect(some.exitCode).toBe(6)
    expect(linesOf(some.stdout)).toMatchObject([{ id: completed.id }])
  })

  test('of one that waits, is scheduled, or runs', async () => {
    const waits = await ground.client.enqueue(parked, {})
    const later = await ground.client.enqueue(parked, {}, { delayMs: 3_600_000 })
    const runs = await ground.hold()
    const { stdout } = await ground.errand(['get', waits.id, later.id, runs.id])
    expect(stdout).toContain(`${waits.id} waits in its lane for attempt 1 of 3, enqueued`)
    expect(stdout).toMatch(new RegExp(`${later.id} waits for attempt 1 of 3, due in 59m \\d+s\\.`))
    expect(stdout).toMatch(new RegExp(`${runs.id} runs attempt 1 of 3 on w1 for .*, its lease lasts 1\\ds more\\.`))
    ground.release(runs.id)
  })

  test.each([
    [['get'], "missing required argument 'id'"],
    [['get', '!'], 'id is "!"'],
    [['get', 'a', '--time', 'never'], 'Allowed choices are iso, relative'],
  ])('%j is wrong usage', async (args, why) => {
    const ended = await ground.errand(args)
    expect(ended).toMatchObject({ exitCode: 2, stdout: '' })
    expect(ended.stderr).toContain(why)
  })
})

describe('list', () => {
  test('shows a page, and where it goes on', async () => {
    await Promise.all(Array.from({ length: 5 }, () => ground.client.enqueue(parked, {}, { priority: 'low' })))
    const page = async (...more: string[]): Promise<{ items: { id: string }[]; cursor: string | null }> =>
      JSON.parse((await ground.errand(['list', '--status', 'pending', '--json', ...more])).stdout)
    const first = await page('--limit', '2')
    const rest = await page('--cursor', first.cursor ?? '', '--all')
    const all = await page('--all')
    expect(rest.cursor).toBeNull()
    expect([...first.items, ...rest.items].map(({ id }) => id)).toEqual(all.items.map(({ id }) => id))
    expect(all.items.length).toBeGreaterThanOrEqual(5)
  })

  test('without a status shows all of them; in text what came from outside is harmless', async () => {
    const { exitCode, stdout } = await ground.errand(['list', '--type', 'work', '--limit', '500'])
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(new RegExp(`^${completed.id} +work +completed +normal +1 of 3`, 'm'))
    expect(stdout).toMatch(new RegExp(`^${dead.id} .*dead_letter .* w1 +ECONNREFUSED$`, 'm'))
    expect(stdout).not.toMatch(CONTROLS)
    const lines = linesOf((await ground.errand(['list', '--all', '-o', 'jsonl'])).stdout)
    expect(lines.map(({ status }) => status)).toEqual(expect.arrayContaining(['pending', 'completed', 'dead_letter']))
  })

  test('says that there are none', async () => {
    const ended = await ground.errand(['list', '--status', 'failed', '--type', 'parked'])
    expect(ended).toEqual({ exitCode: 0, stdout: 'No failed activities of type parked.\n', stderr: '' })
  })

  test.each([
    [['--status', 'waiting'], 'Allowed choices are pending, scheduled'],
    [['--cursor', 'x'], '--cursor is not one'],
    [['--status', 'running', '--cursor', 'pending:1'], '--cursor is not one'],
    [['--limit', '0'], '--limit is "0"; it must be a whole number from 1'],
    [['--all', '--limit', '3'], 'give --all or --limit'],
    [['--type', 'a.b'], 'type is "a.b"'],
  ])('%j is wrong usage', async (args, why) => {
    const ended = await ground.errand(['list', ...args])
    expect(ended).toMatchObject({ exitCode: 2, stdout: '' })
    expect(ended.stderr).toContain(why)
  })

  test('ends quietly when its reader has seen enough', async () => {
    const lines = Array.from({ length: 1_000 }, (_, n) => JSON.stringify({ payload: n, priority: 'high' })).join('\n')
    expect((await ground.errand(['enqueue', 'parked', '-'], { input: lines })).exitCode).toBe(0)
    const { stdout, stderr } = spawnSync(
      'bash',
      [
        '-c',
        `"${process.execPath}" "${CLI}" list --status pending --all -o jsonl | head -1; echo "codes \${PIPESTATUS[*]}"`,
      ],
      { encoding: 'utf8', env: { ...process.env, ...ground.env } },
    )
    expect({ stderr, codes: stdout.split('\n')[1] }).toEqual({ stderr: '', codes: 'codes 0 0' })
  })
})

describe('timeline', () => {
  test('shows attempts, and what lies between them with its reason', async () => {
    const { exitCode, stdout } = await ground.errand(['timeline', dead.id, '--json'])
    expect(exitCode).toBe(0)
    const { items, status, events } = JSON.parse(stdout) as {
      items: Record<string, unknown>[]
      status: string
      events: unknown[]
    }
    expect({ status, events: events.length }).toEqual({ status: 'dead_letter', events: 5 })
    const shown = items.filter(({ reason }) => reason !== 'waited')
    expect(shown).toMatchObject([
      { kind: 'event', type: 'enqueued' },
      { kind: 'attempt', attempt: 1, outcome: 'retrying', worker: 'w1', error: { code: 'ECONNREFUSED' } },
      { kind: 'gap', reason: 'backoff' },
      { kind: 'attempt', attempt: 2, outcome: 'dead_letter' },
    ])
    const text = await ground.errand(['timeline', dead.id])
    expect(text.stdout).toMatch(/attempt 1 retrying +\d+ms +w1 +ECONNREFUSED: bad red.* thing\n +backoff/)
    expect(text.stdout).not.toMatch(CONTROLS)
  })

  test('of one that waits says until when', async () => {
    const later = await ground.client.enqueue(parked, {}, { delayMs: 3_600_000 })
    const { stdout } = await ground.errand(['timeline', later.id, '-o', 'jsonl'])
    expect(linesOf(stdout)).toMatchObject([
      { type: 'enqueued' },
      { kind: 'gap', reason: 'delay', durationMs: 3_600_000 },
    ])
  })

  test('of an unknown id: 3', async () => {
    expect(await ground.errand(['timeline', 'nobody'])).toMatchObject({ exitCode: 3, stdout: '' })
  })
})

describe('result', () => {
  test('prints the JSON that the handler gave', async () => {
    const { exitCode, stdout, stderr } = await ground.errand(['result', completed.id])
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(JSON.parse(stdout)).toMatchObject({ did: 'complete' })
    expect(stdout).not.toMatch(CONTROLS)
  })

  test('of one that failed: 1, with its recorded error on stderr', async () => {
    const { exitCode, stdout, stderr } = await ground.errand(['result', dead.id, '--wait'])
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' })
    expect(stderr).toMatch(/ended as dead_letter after 2 attempts: Error: bad red[\s\S]*cli-ground\.ts/)
    expect(stderr).not.toMatch(CONTROLS)
  })

  test('of one that has not ended: 4; of an unknown one: 3, also with --wait', async () => {
    const waits = await ground.client.enqueue(parked, {})
    const ended = await ground.errand(['result', waits.id])
    expect(ended).toMatchObject({ exitCode: 4, stdout: '' })
    expect(ended.stderr).toContain('waits in its lane')
    expect(await ground.errand(['result', 'nobody'])).toMatchObject({ exitCode: 3, stdout: '' })
    expect(await ground.errand(['result', 'nobody', '--wait'])).toMatchObject({ exitCode: 3, stdout: '' })
  })

  test('waits until it has ended, or for so long, or until Ctrl-C', async () => {
    const runs = await ground.hold()
    const late = await ground.errand(['result', runs.id, '--wait', '--timeout', '200ms'])
    expect(late).toMatchObject({ exitCode: 124, stdout: '' })
    const interrupted = await ground.errand(['result', runs.id, '--wait'], {
      onSaid: whenSaid('Waiting', child => child.signal('SIGINT')),
    })
    expect(interrupted).toMatchObject({ exitCode: 130, stdout: '' })
    const waiting = await ground.errand(['result', runs.id, '--wait', '-o', 'jsonl'], {
      onSaid: whenSaid('Waiting', () => ground.release(runs.id)),
    })
    expect(waiting.exitCode).toBe(0)
    expect(linesOf(waiting.stdout)).toMatchObject([{ did: 'hold' }])
  })

  test('--timeout without --wait is wrong usage', async () => {
    expect(await ground.errand(['result', 'a', '--timeout', '1s'])).toMatchObject({ exitCode: 2 })
  })
})

describe('tail', () => {
  test('shows what becomes of activities until Ctrl-C, and only what was asked for', async () => {
    let isOver = false
    const tailing = ground.errand(
      ['tail', '--type', 'work', '--outcome', 'failed', '--outcome', 'retrying', '-o', 'jsonl'],
      {
        onSaid: whenSaid(/"retrying"[\s\S]*"failed"|"failed"[\s\S]*"retrying"/, child => child.signal('SIGINT')),
      },
    )
    void tailing.finally(() => (isOver = true))
    // From where it reads is not told: so that something comes after it.
    while (!isOver) {
      const handles = await Promise.all(
        (['complete', 'refuse', 'fail'] as const).map(does => ground.enqueue({ does }, { maxAttempts: 2 })),
      )
      await Promise.all(
        handles.map(({ id }, at) =>
          ground.until(id, (['completed', 'failed', 'dead_letter'] as const)[at] ?? 'failed'),
        ),
      )
    }
    const { exitCode, stdout } = await tailing
    expect(exitCode).toBe(130)
    const events = linesOf(stdout)
    expect(new Set(events.map(({ type }) => type))).toEqual(new Set(['failed', 'retrying']))
    expect(events[0]).toMatchObject({ activityType: 'work', attempt: 1, worker: 'w1' })
  })

  test.each([
    [['--outcome', 'good'], 'Allowed choices are completed'],
    [['--outcome', 'failed', '--outcome', 'good'], 'Allowed choices are completed'],
  ])('%j is wrong usage', async (args, why) => {
    const ended = await ground.errand(['tail', ...args])
    expect(ended).toMatchObject({ exitCode: 2, stdout: '' })
    expect(ended.stderr).toContain(why)
  })
})

describe('cancel', () => {
  test('ends what waits, asks what runs', async () => {
    const [waits, runs] = [await ground.client.enqueue(parked, {}), await ground.hold()]
    const { exitCode, stdout } = await ground.errand([
      'cancel',
      waits.id,
      runs.id,
      '--reason',
      'wrong customer',
      '-o',
      'jsonl',
    ])
    expect(exitCode).toBe(0)
    expect(linesOf(stdout)).toEqual([
      { id: waits.id, outcome: 'cancelled' },
      { id: runs.id, outcome: 'cancel_requested' },
    ])
    expect((await ground.errand(['get', waits.id])).stdout).toMatch(/was cancelled .*: wrong customer\./)
    await ground.until(runs.id, 'cancelled')
  })

  test('of what has ended: 4; of what is unknown: 3; of some of each: 6', async () => {
    const waits = await ground.client.enqueue(parked, {})
    expect(await ground.errand(['cancel', completed.id])).toMatchObject({
      exitCode: 4,
      stdout: `${completed.id} had ended already\n`,
    })
    expect(await ground.errand(['cancel', 'nobody'])).toMatchObject({ exitCode: 3, stdout: '' })
    const some = await ground.errand(['cancel', completed.id, waits.id, 'nobody', '--json'])
    expect(some.exitCode).toBe(6)
    expect(JSON.parse(some.stdout)).toEqual({
      items: [
        { id: completed.id, outcome: 'already_ended' },
        { id: waits.id, outcome: 'cancelled' },
        { id: 'nobody', outcome: 'not_found' },
      ],
    })
  })

  test.each([
    [[], 'by their ids, or by a filter'],
    [['a', '--all'], 'by their ids, or by a filter'],
    [['--all', '--no-input'], 'nobody can be asked here'],
    [['--all'], 'nobody can be asked here'],
    [['--all', '--yes', '--rate', '0/s'], '--rate is "0/s"'],
    [['--all', '--wait', '--detach'], 'give --wait or --detach'],
  ])('%j is wrong usage', async (args, why) => {
    const ended = await ground.errand(['cancel', ...args])
    expect(ended).toMatchObject({ exitCode: 2, stdout: '' })
    expect(ended.stderr).toContain(why)
  })

  test('by a filter: first the count and samples, then on the server side, watched or left alone', async () => {
    const later = { delayMs: 3_600_000, priority: 'critical' } as const
    await ground.errand(['cancel', '--type', 'parked', '--yes', '--rate', '1000/s'])
    const handles = await Promise.all(Array.from({ length: 5 }, () => ground.client.enqueue(parked, {}, later)))
    const filter = ['cancel', '--type', 'parked', '--status', 'scheduled']
    const dry = await ground.errand([...filter, '--dry-run', '--json'])
    expect(JSON.parse(dry.stdout)).toMatchObject({ kind: 'cancel', count: 5, isExact: true })
    expect(dry.stderr).toMatch(/^5 activities to be cancelled, such as\n( {2}\S+ parked scheduled\n){3}$/)
    const ended = await ground.errand([...filter, '--max', '2', '--yes', '--reason', 'over', '--json'])
    expect(ended.exitCode).toBe(0)
    expect(JSON.parse(ended.stdout)).toMatchObject({ state: 'completed', done: 2, failed: 0, head: { reason: 'over' } })
    const left = await ground.errand([...filter, '--yes', '--detach'])
    expect(left.exitCode).toBe(0)
    expect(left.stderr).toContain(`errand ops attach ${left.stdout.trim()}`)
    await Promise.all(handles.map(({ id }) => ground.until(id, 'cancelled')))
  })

  test('Ctrl-C leaves bulk work going on: 130, and how to attach', async () => {
    const handles = await Promise.all(
      Array.from({ length: 20 }, () => ground.client.enqueue(parked, {}, { delayMs: 3_600_000 })),
    )
    const left = await ground.errand(
      ['cancel', '--type', 'parked', '--status', 'scheduled', '--yes', '--rate', '5/s'],
      {
        onSaid: whenSaid(/running: |queued: /, child => child.signal('SIGINT')),
      },
    )
    expect(left.exitCode).toBe(130)
    expect(left.stderr).toMatch(/errand ops attach \S+/)
    await Promise.all(handles.map(({ id }) => ground.until(id, 'cancelled')))
  })
})

describe('stats', () => {
  test('counts by status, type, priority and lane', async () => {
    const { exitCode, stdout } = await ground.errand(['stats', '--json'])
    expect(exitCode).toBe(0)
    const stats = JSON.parse(stdout)
    expect(stats.byType.work.dead_letter).toBeGreaterThanOrEqual(1)
    expect(stats.lanes).toContainEqual(expect.objectContaining({ type: 'parked', priority: 'high', consumers: 0 }))
    expect(stats.lanes).toContainEqual(expect.objectContaining({ type: 'work', priority: 'normal', consumers: 1 }))
    const text = await ground.errand(['stats'])
    expect(text.stdout).toMatch(
      /^TYPE +PENDING +OLDEST +SCHEDULED +RUNNING +COMPLETED +FAILED +DEAD +CANCELLED +MEMBERS\n/,
    )
  })

  test('--watch gives a line for each look until Ctrl-C', async () => {
    const { exitCode, stdout } = await ground.errand(['stats', '--watch', '200ms', '-o', 'jsonl'], {
      onSaid: whenSaid(/\n[\s\S]*\n/, child => child.signal('SIGINT')),
    })
    expect(exitCode).toBe(130)
    const looks = linesOf<{ atMs: number; byType: object }>(stdout)
    expect(looks.length).toBeGreaterThanOrEqual(2)
    expect(looks[0]).toHaveProperty('byType.work')
    expect((await ground.errand(['stats', '--watch', '1'])).exitCode).toBe(2)
  })
})

describe('workers', () => {
  test('says who holds what, for how much longer, and who subscribes to which type', async () => {
    const runs = await ground.hold()
    const { exitCode, stdout } = await ground.errand(['workers', '--json'])
    expect(exitCode).toBe(0)
    const report = JSON.parse(stdout)
    expect(report).toMatchObject({
      workers: [
        { worker: 'w1', running: 1, types: { work: 1 }, longestId: runs.id, leaseDeadlineMs: expect.any(Number) },
      ],
      isComplete: true,
    })
    expect(report.types).toContainEqual(expect.objectContaining({ type: 'work', members: 1, running: 1 }))
    expect((await ground.errand(['workers'])).stdout).toMatch(/^w1 +1 +work 1 +\S+ +1\ds /m)
    ground.release(runs.id)
    await ground.until(runs.id, 'completed')
  })
})

describe.each([
  ['get', 'a'],
  ['list'],
  ['timeline', 'a'],
  ['result', 'a'],
  ['tail'],
  ['cancel', 'a'],
  ['stats'],
  ['workers'],
])('%s %s', (...args) => {
  test('without settings is wrong usage, where nobody answers: 5, in a namespace without topics: 4', async () => {
    const [without, away, elsewhere] = await Promise.all([
      runErrand(args),
      ground.errand([...args, '--redis', 'redis://127.0.0.1:1']),
      ground.errand([...args, '--namespace', 'nowhere']),
    ])
    const missing = 'namespace must be given: --namespace or ERRAND_NAMESPACE'
    expect(without).toEqual({ exitCode: 2, stdout: '', stderr: expect.stringContaining(missing) })
    expect(away).toEqual({ exitCode: 5, stdout: '', stderr: expect.stringContaining('127.0.0.1:1') })
    expect(elsewhere).toEqual({ exitCode: 4, stdout: '', stderr: expect.stringContaining('errand topics apply') })
  })
})
