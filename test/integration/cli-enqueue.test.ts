// `errand enqueue` as a process against real servers: one activity, and lines of any number, with every exit code.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CliGround, linesOf, parked } from '../support/cli-ground.ts'
import { runErrand, whenSaid } from '../support/errand-process.ts'

let ground: CliGround
let folder: string
beforeAll(async () => {
  ground = await CliGround.open()
  folder = await mkdtemp(join(tmpdir(), 'errand-cli-'))
})
afterAll(async () => {
  await ground[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

describe('one activity', () => {
  test('prints its id, and everything that was said of it holds', async () => {
    const options = [
      '--priority',
      'high',
      '--delay',
      '1h',
      '--max-attempts',
      'unlimited',
      '--timeout',
      '5s',
      '--key',
      'a b',
    ]
    const metadata = ['--metadata', 'tenant=x', '--metadata', 'note=a=b']
    const ended = await ground.errand(['enqueue', 'parked', '{"a":[1,null]}', ...options, ...metadata])
    expect(ended).toMatchObject({ exitCode: 0, stderr: '' })
    expect(await ground.storage.getActivity({ id: ended.stdout.trim() })).toMatchObject({
      ...{
        type: 'parked',
        status: 'scheduled',
        priority: 'high',
        maxAttempts: 'unlimited',
        timeoutMs: 5_000,
        key: 'a b',
      },
      ...{ payloadJson: '{"a":[1,null]}', metadata: { tenant: 'x', note: 'a=b' } },
    })
  })

  test('--at and --id', async () => {
    const { stdout } = await ground.errand([
      'enqueue',
      'parked',
      'null',
      '--at',
      '2099-01-01T00:00:00+01:00',
      '--id',
      'own-1',
      '--json',
    ])
    expect(JSON.parse(stdout)).toMatchObject({ id: 'own-1', type: 'parked', outcome: 'created' })
    expect(await ground.storage.getActivity({ id: 'own-1' })).toMatchObject({
      scheduledAtMs: Date.UTC(2098, 11, 31, 23),
    })
  })

  test('with a key in use answers the one that is there, or 4 where it may not be used again', async () => {
    const first = await ground.errand(['enqueue', 'parked', '1', '--key', 'once'])
    const again = await ground.errand(['enqueue', 'parked', '2', '--key', 'once'])
    expect(again).toMatchObject({ exitCode: 0, stdout: first.stdout })
    expect(again.stderr).toContain('It existed already')
    const refused = await ground.errand(['enqueue', 'parked', '2', '--key', 'once', '--on-duplicate', 'no_reuse'])
    expect(refused).toMatchObject({ exitCode: 4, stdout: '' })
    expect(refused.stderr).toContain('[duplicate_activity]')
  })

  test('of a type without topics: 4, and how it gets them; --provision makes them', async () => {
    const without = await ground.errand(['enqueue', 'brand-new', '1'])
    expect(without).toMatchObject({ exitCode: 4, stdout: '' })
    expect(without.stderr).toContain('errand topics apply --types brand-new')
    const made = await ground.errand(['enqueue', 'brand-new', '1', '--provision', '--partitions', '1'])
    expect(made.exitCode).toBe(0)
  })

  test.each<[string, string[], string]>([
    ['no type', [], "missing required argument 'type'"],
    ['a bad type', ['a.b', '1'], 'type is "a.b"'],
    ['a type of our own', ['errand-operation', '1'], 'does not begin with errand-'],
    ['no JSON', ['parked', '{a:1}'], 'the payload is not JSON'],
    ['what is too deep', ['parked', '['.repeat(200) + ']'.repeat(200)], 'levels deep'],
    ['two times', ['parked', '1', '--delay', '1s', '--at', '2099-01-01'], 'give --delay or --at'],
    ['a time without a zone', ['parked', '1', '--at', '2099-01-01T00:00'], '--at is "2099-01-01T00:00"'],
    ['a number for a duration', ['parked', '1', '--delay', '5'], '--delay is "5"'],
    ['no attempts', ['parked', '1', '--max-attempts', '0'], '--max-attempts is "0"'],
    ['metadata without a name', ['parked', '1', '--metadata', '=x'], '--metadata is "=x"'],
    ['what to do with duplicates, without a key', ['parked', '1', '--on-duplicate', 'no_reuse'], 'give both'],
    ['a payload and a file', ['parked', '1', '--file', 'x'], 'not both'],
    ['a file that is not there', ['parked', '--file', '/nowhere/x'], '--file /nowhere/x cannot be read'],
    ['a key for lines', ['parked', '-', '--key', 'a'], 'each line has its own'],
    ['--raw for one', ['parked', '1', '--raw'], 'are for lines'],
    ['an unknown priority', ['parked', '1', '--priority', 'urgent'], 'Allowed choices are critical'],
  ])('%s is wrong usage', async (_, args, why) => {
    const ended = await ground.errand(['enqueue', ...args])
    expect(ended).toEqual({ exitCode: 2, stdout: '', stderr: expect.stringContaining(why) })
  })

  test('that is too large is refused, and nobody who answers: 5', async () => {
    const file = join(folder, 'large')
    await writeFile(file, `${JSON.stringify('x'.repeat(1_000_000))}\n`)
    const large = await ground.errand(['enqueue', 'parked', '--file', file, '--raw'])
    expect(large.exitCode).toBe(1)
    expect(large.stderr).toMatch(/^line 1: \[payload_too_large\] payload of 'parked' is 1,000,002 bytes/)
    const away = await ground.errand(['enqueue', 'parked', '1', '--redis', 'redis://127.0.0.1:1'])
    expect(away).toMatchObject({ exitCode: 5, stdout: '' })
  })
})

describe('lines', () => {
  test('say for themselves what they want; the refused are told by number, the others go on: 6', async () => {
    const lines = [
      '\uFEFF{"payload":{"n":9007199254740993},"key":"k1","priority":"low","metadata":{"own":"1"}}\r',
      '',
      '{"payload":1,"keey":"k2"}',
      'nonsense \u001B[31m',
      '{"payload":2,"delayMs":60000,"id":"line-5","maxAttempts":9,"timeoutMs":1000}',
      '{"payload":3,"scheduledAt":"2099-01-01T00:00:00Z","type":"work","id":"line-6"}',
      '{"payload":4,"type":"unheard-of"}',
      '{"nothing":1}',
      '{"payload":5,"priority":"urgent"}',
      '{"payload":null}',
    ]
    const args = ['enqueue', 'parked', '-', '-o', 'jsonl', '--metadata', 'from=file', '--on-duplicate', 'no_reuse']
    const { exitCode, stdout, stderr } = await ground.errand(args, { input: lines.join('\n') })
    expect(exitCode).toBe(6)
    const handles = linesOf<{ line: number; id: string; type: string; outcome: string }>(stdout)
    expect(handles.map(({ line }) => line).sort((a, b) => a - b)).toEqual([1, 5, 6, 10])
    expect(stderr.split('\n').map(line => line.slice(0, 30))).toEqual(
      expect.arrayContaining([
        'line 3: [invalid_argument] the',
        'line 4: [invalid_argument] the',
        "line 7: [configuration] 'unhea",
        'line 8: [invalid_argument] the',
      ]),
    )
    expect(stderr).toContain('Enqueued 4 of 9 lines: 5 refused.')
    expect(stderr).not.toContain('\u001B')
    const first = await ground.storage.getActivity({ id: handles.find(({ line }) => line === 1)?.id ?? '' })
    expect(first).toMatchObject({
      payloadJson: '{"n":9007199254740993}',
      key: 'k1',
      priority: 'low',
      metadata: { own: '1' },
    })
    expect(await ground.storage.getActivity({ id: 'line-5' })).toMatchObject({
      maxAttempts: 9,
      timeoutMs: 1_000,
      metadata: { from: 'file' },
    })
    expect(await ground.storage.getActivity({ id: 'line-6' })).toMatchObject({
      type: 'work',
      scheduledAtMs: Date.UTC(2099, 0),
    })
  })

  test('of a file may be given again where they have keys', async () => {
    const file = join(folder, 'keys.ndjson')
    await writeFile(
      file,
      Array.from({ length: 700 }, (_, n) => JSON.stringify({ payload: n, key: `file-${n}` })).join('\n'),
    )
    const first = await ground.errand(['enqueue', 'parked', '--file', file, '--json'])
    expect(JSON.parse(first.stdout)).toEqual({ lines: 700, created: 700, existing: 0, refused: 0, unavailable: 0 })
    const again = await ground.errand(['enqueue', 'parked', '--file', file])
    expect(again).toEqual({ exitCode: 0, stdout: 'Enqueued 0 of 700 lines: 700 existed already.\n', stderr: '' })
  })

  test('with --raw are payloads; all refused: 1; none: 2 on stdin by itself, 0 where they were asked for', async () => {
    const raw = await ground.errand(['enqueue', 'parked', '--raw', '-o', 'jsonl'], { input: '{"payload":1}\n[2]\n' })
    const payloads = await Promise.all(
      linesOf<{ id: string }>(raw.stdout).map(({ id }) => ground.storage.getActivity({ id })),
    )
    expect(payloads.map(each => each?.payloadJson)).toEqual(['{"payload":1}', '[2]'])
    expect((await ground.errand(['enqueue', 'parked'], { input: 'x\ny\n' })).exitCode).toBe(1)
    const nothing = await ground.errand(['enqueue', 'parked'])
    expect(nothing).toEqual({ exitCode: 2, stdout: '', stderr: expect.stringContaining('there is nothing on stdin') })
    expect((await ground.errand(['enqueue', 'parked', '-'])).exitCode).toBe(0)
  })

  test('with --stop-on-error end where one is not accepted', async () => {
    const input = '{"payload":1}\nnonsense\n{"payload":2}\n'
    const ended = await ground.errand(['enqueue', 'parked', '-', '--stop-on-error', '--json'], { input })
    expect(ended.exitCode).toBe(6)
    expect(JSON.parse(ended.stdout)).toEqual({ lines: 2, created: 1, existing: 0, refused: 1, unavailable: 0 })
  })

  test('that come slowly do not wait for others, and Ctrl-C ends it: 130', async () => {
    const { exitCode, stdout, stderr } = await ground.errand(['enqueue', 'parked', '-', '-o', 'jsonl'], {
      typed: '{"payload":1}\n',
      onSaid: whenSaid('"line":1', child => child.signal('SIGINT')),
    })
    expect({ exitCode, lines: linesOf(stdout).length }).toEqual({ exitCode: 130, lines: 1 })
    expect(stderr).toContain('Enqueued 1 of 1 line.')
  })

  test('20,000 of them, 80 MB, take no more memory than a few batches', async () => {
    const payload = 'x'.repeat(4_000)
    const lines = function* (): Generator<string> {
      for (let n = 0; n < 20_000; n++) yield `${JSON.stringify({ payload: { n, payload } })}\n`
    }
    // What is kept would not fit: neither into the heap, nor, as buffers, into what the process may take.
    const rss = `data:text/javascript,process.on('exit',()=>process.stderr.write('rss='+process.resourceUsage().maxRSS+'\\n'))`
    const { exitCode, stdout, stderr } = await runErrand(['enqueue', parked.type, '-', '--json'], {
      env: ground.env,
      input: Readable.from(lines()),
      nodeArgs: ['--max-old-space-size=64', '--max-semi-space-size=4', '--import', rss],
    })
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: expect.stringMatching(/rss=\d+/) })
    expect(JSON.parse(stdout)).toMatchObject({ lines: 20_000, created: 20_000 })
    const kilobytes = Number(/rss=(\d+)/.exec(stderr)?.[1])
    expect(kilobytes).toBeLessThan(280_000)
  })
})
