import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deflateRawSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { countsLine, finalCounts, parseCounts } from '../../scripts/counts.ts'
import { environmentText, parseCommand, statusText } from '../../scripts/stack/command.ts'
import { readGiven, verifyGiven, withoutPassword } from '../../scripts/stack/given.ts'
import { brokerProperties } from '../../scripts/stack/kafka-config.ts'
import { withLock } from '../../scripts/stack/lock.ts'
import { pomOf } from '../../scripts/stack/maven.ts'
import { choosePorts, isPortFree, stableRange } from '../../scripts/stack/ports.ts'
import { endProcess, isRunning, signalProcess } from '../../scripts/stack/processes.ts'
import { parseJavaVersion } from '../../scripts/stack/programs.ts'
import { embeddedPlatform } from '../../scripts/stack/redis.ts'
import { currentStack, stackStatus, stopStack } from '../../scripts/stack/stack.ts'
import { newState, readState, updateState, withBrokerPid } from '../../scripts/stack/state.ts'
import { waitUntil } from '../../scripts/stack/wait.ts'
import { readZipEntry } from '../../scripts/stack/zip.ts'

describe('the command line of the stack', () => {
  test.each([
    [['up'], { verb: 'up', brokers: undefined, isJson: false, keepsData: false }],
    [['up', '--brokers', '3', '--json'], { verb: 'up', brokers: 3, isJson: true }],
    [['--brokers=1', 'up'], { verb: 'up', brokers: 1 }],
    [['down', '--keep'], { verb: 'down', keepsData: true }],
    [['env', '--data-dir', 'x'], { verb: 'env', dataDir: 'x' }],
    [['status', '--help'], { verb: 'help' }],
  ])('%j is understood', (args, command) => {
    expect(parseCommand(args)).toMatchObject(command)
  })

  test.each([
    [[], 'no verb; use one of: up, down, status, env'],
    [['start'], 'unknown verb "start"'],
    [['up', 'down'], 'unexpected "down" after "up"'],
    [['up', '--brokers', '2'], '--brokers is "2"; it must be 1 or 3'],
    [['up', '--borkers'], '--borkers'],
  ])('%j is refused, and the message names what is wrong', (args, message) => {
    expect(() => parseCommand(args)).toThrow(message)
  })

  test('the variables are lines that a shell can evaluate, whatever a password holds', () => {
    expect(environmentText({ kafkaBrokers: ['127.0.0.1:1', '127.0.0.1:2'], redisUrl: "redis://:a'$b@h:3" })).toBe(
      "export ERRAND_KAFKA_BROKERS=127.0.0.1:1,127.0.0.1:2\nexport ERRAND_REDIS_URL='redis://:a'\\''$b@h:3'\n",
    )
  })

  test('the status has a line for every part, and says what to do when there is none', () => {
    const redis = { part: 'redis', address: 'redis://127.0.0.1:2', pid: null, answers: false }
    expect(statusText([{ part: 'kafka broker 1', address: '127.0.0.1:1', pid: 7, answers: true }, redis])).toBe(
      'kafka broker 1  127.0.0.1:1          pid 7  answers\nredis           redis://127.0.0.1:2  -      does not answer\n',
    )
    expect(statusText([])).toContain('npm run stack -- up')
  })
})

describe('what is given', () => {
  test('addresses are separated by commas; empty is not set', () => {
    expect(readGiven({ ERRAND_KAFKA_BROKERS: ' a:1, b:2 ,', ERRAND_REDIS_URL: '' })).toEqual({
      kafkaBrokers: ['a:1', 'b:2'],
      redisUrl: undefined,
    })
  })

  test('what does not answer is an error that shows the address, but not the password', async () => {
    const [port = 0] = await choosePorts(1)
    await expect(verifyGiven({ kafkaBrokers: [`127.0.0.1:${port}`], redisUrl: undefined })).rejects.toThrow(
      `ERRAND_KAFKA_BROKERS is 127.0.0.1:${port}, but no Kafka answers there`,
    )
    const url = `redis://:secret@127.0.0.1:${port}`
    await expect(verifyGiven({ kafkaBrokers: undefined, redisUrl: url })).rejects.toThrow(withoutPassword(url))
    expect(withoutPassword(url)).not.toContain('secret')
  })
})

describe('ports', () => {
  test('those chosen are different, free, and below the range for outgoing connections', async () => {
    const ports = await choosePorts(20)
    expect(new Set(ports).size).toBe(20)
    expect(await Promise.all(ports.map(isPortFree))).not.toContain(false)
  })

  test.each([
    ['32768\t60999\n', { from: 20_768, to: 32_767 }],
    ['', { from: 20_768, to: 32_767 }],
    ['1024 65535', { from: 0, to: 0 }],
  ])('with the system range %j they lie in %j', (systemRange, range) => {
    expect(stableRange(systemRange)).toEqual(range)
  })

  test('a port that somebody listens on is not free and not chosen', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    expect(await isPortFree(port)).toBe(false)
    await expect(choosePorts(1, { from: port, to: port })).rejects.toThrow('no free port')
    server.close()
  })
})

describe('what a broker is told', () => {
  const nodes = [1, 2, 3].map(id => ({ id, port: 100 + id, controllerPort: 200 + id }))

  test('one broker keeps one copy, three keep three of which two must be written', () => {
    const [first = { id: 0, port: 0, controllerPort: 0 }] = nodes
    const alone = brokerProperties(first, [first], '/data')
    expect(alone).toContain('min.insync.replicas=1\n')
    expect(alone).toContain('offsets.topic.replication.factor=1\n')
    const together = brokerProperties(first, nodes, '/data')
    expect(together).toContain('min.insync.replicas=2\n')
    expect(together).toContain('default.replication.factor=3\n')
    expect(together).toContain('controller.quorum.voters=1@127.0.0.1:201,2@127.0.0.1:202,3@127.0.0.1:203\n')
  })

  test('every address is one of this machine only', () => {
    for (const node of nodes) {
      const hosts = brokerProperties(node, nodes, '/data').match(/[^/@,=]+(?=:\d)/g)
      expect(new Set(hosts)).toEqual(new Set(['127.0.0.1']))
    }
  })
})

describe('what is remembered', () => {
  test('changes are kept, and another pid touches one broker only', () => {
    using folder = temporaryFolder()
    expect(readState(folder.path)).toBeUndefined()
    const brokers = [1, 2].map(id => ({ id, port: id, controllerPort: id, pid: null }))
    updateState(folder.path, state => ({ ...state, brokers }))
    updateState(folder.path, state => withBrokerPid(state, 2, 42))
    expect(readState(folder.path)?.brokers.map(({ pid }) => pid)).toEqual([null, 42])
  })

  test('a cut-off file is as good as none', () => {
    using folder = temporaryFolder()
    writeFileSync(join(folder.path, 'state.json'), '{"version":1,"clus')
    expect(readState(folder.path)).toBeUndefined()
  })

  test('a cluster id is never taken for an option', () => {
    for (let n = 0; n < 1_000; n += 1) expect(newState().clusterId).toMatch(/^[\w][\w-]{21}$/)
  })

  test('nothing that was never started is up', async () => {
    using folder = temporaryFolder()
    expect(await stackStatus({ dataDir: folder.path, env: {} })).toEqual([])
    expect(await currentStack({ dataDir: folder.path, env: {} })).toBeUndefined()
  })
})

describe('processes', () => {
  test('a pid that is now another program is neither running nor ended', async () => {
    await using child = await sleeper()
    const notOurs = { pid: child.pid, marks: ['/somewhere/kafka-1/server.properties'] }
    expect(isRunning(notOurs)).toBe(false)
    await endProcess(notOurs)
    expect(isRunning({ ...notOurs, marks: [child.mark] })).toBe(true)
  })

  test('down spares the process that has got the pid of a broker', async () => {
    using folder = temporaryFolder()
    await using child = await sleeper()
    const dataDir = join(folder.path, 'stack')
    updateState(dataDir, state => ({
      ...state,
      brokers: [{ id: 1, port: 1, controllerPort: 2, pid: child.pid }],
      redis: { port: 3, pid: child.pid },
    }))
    await stopStack({ dataDir })
    expect(isRunning({ pid: child.pid, marks: [child.mark] })).toBe(true)
    expect(readState(dataDir)).toBeUndefined()
  })

  test('a signal is awaited until it had its effect, and a stopped process can still be ended', async () => {
    await using child = await sleeper()
    const own = { pid: child.pid, marks: [child.mark] }
    await signalProcess(own, 'SIGSTOP')
    expect(isRunning(own)).toBe(true)
    await endProcess(own)
    expect(isRunning(own)).toBe(false)
  })
})

describe('the lock', () => {
  test('lets one in at a time', async () => {
    using folder = temporaryFolder()
    let inside = 0
    const visit = (): Promise<void> =>
      withLock(join(folder.path, 'lock'), async () => {
        inside += 1
        expect(inside).toBe(1)
        await new Promise(resolve => setTimeout(resolve, 5))
        inside -= 1
      })
    await Promise.all([visit(), visit(), visit()])
  })

  test.each(['999999999 1', `${process.pid} 1`, ''])('left behind by %j is taken over', async owner => {
    using folder = temporaryFolder()
    const file = join(folder.path, 'lock')
    writeFileSync(file, owner)
    expect(await withLock(file, async () => readFileSync(file, 'utf8'))).toContain(`${process.pid} `)
  })
})

test('a wait that was in vain says for what, and why', async () => {
  const wait = waitUntil(() => false, { what: 'rain', deadlineMs: 20, intervalMs: 1, explain: () => 'a clear sky' })
  await expect(wait).rejects.toThrow('waited 0.02 s in vain for rain\na clear sky')
})

test.each([
  ['openjdk version "17.0.15" 2025-04-15', 17],
  ['java version "1.8.0_392"', 8],
  ['openjdk version "25" 2025-09-16', 25],
  ['command not found', undefined],
])('the version in %j is %j', (output, version) => {
  expect(parseJavaVersion(output)).toBe(version)
})

test.each([
  ['linux', 'x64', 'linux-amd64'],
  ['darwin', 'arm64', 'darwin-arm64'],
  ['linux', 's390x', undefined],
  ['win32', 'x64', undefined],
])('the embedded Redis for %s %s is %j', (platform, arch, name) => {
  expect(embeddedPlatform(platform, arch)).toBe(name)
})

test('the pom names every artifact', () => {
  const pom = pomOf([{ group: 'g', name: 'n', version: '1' }])
  expect(pom).toContain('<groupId>g</groupId><artifactId>n</artifactId><version>1</version>')
})

test('a file is taken out of an archive, stored or deflated', () => {
  const archive = zipOf([
    { name: 'a', content: Buffer.from('first'), isDeflated: false },
    { name: 'b/c', content: Buffer.from('second '.repeat(50)), isDeflated: true },
  ])
  expect(readZipEntry(archive, 'a').toString()).toBe('first')
  expect(readZipEntry(archive, 'b/c').toString()).toBe('second '.repeat(50))
  expect(() => readZipEntry(archive, 'c')).toThrow('no entry c')
  expect(() => readZipEntry(Buffer.alloc(100), 'a')).toThrow('not a zip archive')
})

describe('the last line of npm test', () => {
  test('is three numbers', () => {
    expect(countsLine({ passed: 12, failed: 0, skipped: 1 })).toBe('12 passed, 0 failed, 1 skipped')
  })

  test.each([
    ['all went well', { passed: 3, failed: 0, skipped: 0 }, 0, 0],
    ['a test failed', { passed: 3, failed: 2, skipped: 0 }, 1, 2],
    ['the runner failed and no test did', { passed: 3, failed: 0, skipped: 0 }, 1, 1],
    ['the runner wrote no counts', undefined, 0, 1],
  ])('when %s', (_, reported, exitCode, failed) => {
    expect(finalCounts(reported, exitCode).failed).toBe(failed)
  })

  test('comes from what the reporter wrote, if that is whole', () => {
    expect(parseCounts('{"passed":1,"failed":2,"skipped":3}')).toEqual({ passed: 1, failed: 2, skipped: 3 })
    expect(parseCounts('{"passed":1')).toBeUndefined()
    expect(parseCounts('{"passed":1}')).toBeUndefined()
  })
})

function temporaryFolder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'errand-stack-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

/** A process that does nothing, with a word in its command line that no other has. */
async function sleeper(): Promise<AsyncDisposable & { readonly pid: number; readonly mark: string }> {
  const mark = `errand-sleeper-${Math.random()}`
  const child: ChildProcess = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', mark], { stdio: 'ignore' })
  await once(child, 'spawn')
  const isGone = once(child, 'exit')
  return {
    pid: child.pid ?? 0,
    mark,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      await isGone
    },
  }
}

interface ZipEntry {
  readonly name: string
  readonly content: Buffer
  readonly isDeflated: boolean
}

/** The least that is a zip archive: local headers with data, the directory, its end. */
function zipOf(entries: readonly ZipEntry[]): Buffer {
  let at = 0
  const parts = entries.map(({ name, content, isDeflated }) => {
    const packed = isDeflated ? deflateRawSync(content) : content
    const local = Buffer.alloc(30)
    local.writeUInt32LE(0x04034b50)
    local.writeUInt16LE(name.length, 26)
    const central = Buffer.alloc(46)
    central.writeUInt32LE(0x02014b50)
    central.writeUInt16LE(isDeflated ? 8 : 0, 10)
    central.writeUInt32LE(packed.length, 20)
    central.writeUInt16LE(name.length, 28)
    central.writeUInt32LE(at, 42)
    const data = Buffer.concat([local, Buffer.from(name), packed])
    at += data.length
    return { data, central: Buffer.concat([central, Buffer.from(name)]) }
  })
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50)
  end.writeUInt32LE(at, 16)
  return Buffer.concat([...parts.map(({ data }) => data), ...parts.map(({ central }) => central), end])
}
