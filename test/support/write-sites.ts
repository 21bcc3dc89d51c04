// Finds writes to Kafka and Redis that cross no crash point. A write is covered when it stands inside `crossing('…', …)`; one
// in a layer whose functions are writes themselves (the side-store's, the publisher's) also when each call of its function
// is. Names are all it goes by, so where it cannot tell, it takes a call for one that matters.

import { readFile, readdir } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path/posix'
import { fileURLToPath } from 'node:url'
import { REDIS_READS, writingScripts } from './lua-writes.ts'
import type { Call, NamedFunction, Node, SourceFile } from './write-syntax.ts'
import { child, children, nameOf, readSource } from './write-syntax.ts'

const SRC = fileURLToPath(new URL('../../src', import.meta.url))

/** Functions that may write without a crossing, each with the reason. */
export const WITHOUT_CROSSING: Readonly<Record<string, string>> = {
  'producer/producer-clients.ts ProducerClient.send':
    'behind the queue of TopicWriter, whose write() is the door to it',
  'producer/topic-admin.ts create':
    'topics are there or not; whoever dies here leaves the others for the next to create',
  'producer/topic-admin.ts tryDelete': 'for tests and operators; nobody in here calls it',
  'producer/topic-admin.ts TopicAdmin.deleteGroup': 'for tests and operators; nobody in here calls it',
  'producer/topic-admin.ts TopicAdmin.replaceSettings':
    'for `errand topics apply`, which does what is missing when it is run again',
  'producer/topic-admin.ts TopicAdmin.addPartitions': 'for `errand topics apply`, as well',
  'consumer/first-offsets.ts commitFirstOffsets': 'for `errand topics apply`, as well',
  'storage/redis/redis-facts.ts snapshots': 'asks, by CONFIG GET',
  'storage/redis/markers.ts expireLease': 'a fixture of tests',
  'storage/redis/markers.ts makeDue': 'a fixture of tests',
  'storage/redis/side-store.ts SideStore.hasGeneration': 'asks; the script writes only what markGeneration() gives it',
}

const WRITING_SCRIPTS = new Set(writingScripts().map(({ name }) => name))
/** What writes in kafkajs's own names. */
const KAFKAJS_WRITES = new Set([
  ...['sendBatch', 'sendOffsets', 'transaction', 'commitOffsets', 'setOffsets', 'resetOffsets', 'deleteGroups'],
  'offsetCommit',
  ...['createTopics', 'createPartitions', 'deleteTopics', 'deleteTopicRecords', 'alterConfigs'],
  ...['alterPartitionReassignments', 'createAcls', 'deleteAcls'],
])
/** What ioredis has beside commands. */
const NO_COMMANDS = new Set([
  ...['connect', 'disconnect', 'quit', 'on', 'once', 'off', 'defineCommand', 'subscribe', 'pipeline', 'multi', 'exec'],
  ...['scanStream', 'select'],
])

/** Every source of the product by its path in src/, but tests, what they are made with, and what has no servers. */
export async function productSources(): Promise<Map<string, string>> {
  const files = (await readdir(SRC, { recursive: true })).filter(
    file => file.endsWith('.ts') && !file.endsWith('.test.ts') && !/^(storage\/memory|testing)\//.test(file),
  )
  const texts = await Promise.all(files.map(file => readFile(join(SRC, file), 'utf8')))
  return new Map(files.map((file, at) => [file, texts[at] ?? '']))
}

/** What is wrong with the writes in these sources, a line each. Nothing: every write crosses a point of its own. */
export function uncoveredWrites(sources: ReadonlyMap<string, string>): string[] {
  const files = [...sources].map(([file, text]) => {
    const known = read.get(file)
    if (known?.text === text) return known.source
    const source = readSource(file, text)
    read.set(file, { text, source })
    return source
  })
  return new WriteSearch(files).problems()
}

const read = new Map<string, { readonly text: string; readonly source: SourceFile }>()

class WriteSearch {
  readonly #files: readonly SourceFile[]
  readonly #used = new Set<string>()
  readonly #problems = new Set<string>()

  constructor(files: readonly SourceFile[]) {
    this.#files = files
  }

  problems(): string[] {
    const writes = new Map<Call, Call>()
    const add = (call: Call, origin: Call): void => {
      if (!writes.has(call)) writes.set(call, origin)
    }
    for (const source of this.#files) for (const call of source.calls) if (isWrite(source, call)) add(call, call)
    // A map's iterator goes on over what is added meanwhile: upwards, from the writes to who calls their functions.
    for (const [call, origin] of writes) {
      if (call.crossing !== undefined || this.#isExempt(keyOf(call.inside))) continue
      const callers = isLayer(call.file) ? this.#callersOf(call.inside) : []
      if (callers.length === 0) this.#problems.add(complaintOf(call, origin, 'is a write and crosses no point'))
      for (const caller of callers) add(caller, origin)
    }
    this.#findCrowds(writes)
    for (const key of Object.keys(WITHOUT_CROSSING)) {
      if (!this.#used.has(key))
        this.#problems.add(`${key} needs no exception any more: take it out of WITHOUT_CROSSING.`)
    }
    return [...this.#problems]
  }

  /** Between two writes a process can stop: so a point is crossed with one. */
  #findCrowds(writes: ReadonlyMap<Call, Call>): void {
    const together = Map.groupBy(writes.keys(), ({ crossing, file, inside }) =>
      crossing === undefined ? keyOf(inside) : `${file} ${crossing.start}`,
    )
    for (const [key, calls] of together) {
      const [, second] = calls
      const isBare = second?.crossing === undefined && !isLayer(second?.file ?? '') // complained of already
      if (second === undefined || isBare || this.#isExempt(key)) continue
      this.#problems.add(complaintOf(second, writes.get(second), 'is the second write under one point'))
    }
  }

  #isExempt(key: string): boolean {
    if (!Object.hasOwn(WITHOUT_CROSSING, key)) return false
    this.#used.add(key)
    return true
  }

  #callersOf(callee: NamedFunction): Call[] {
    const dot = callee.name.indexOf('.')
    const owner = callee.name.slice(0, Math.max(0, dot))
    const name = callee.name.slice(dot + 1)
    if (name === '' || name === 'constructor') return []
    return this.#files.flatMap(source =>
      source.calls.filter(call => {
        if (call.name !== name) return false
        return dot === -1
          ? isCallOf(source, call, callee)
          : this.#isMethodCall(source, call, { owner, name }, callee.file)
      }),
    )
  }

  /** A receiver tells its class by its name. One that does not may be of any, where all that have such a method are layers'. */
  #isMethodCall(
    source: SourceFile,
    { receiver }: Call,
    { owner, name }: { readonly owner: string; readonly name: string },
    file: string,
  ): boolean {
    if (receiver === undefined) return false
    if (receiver === 'this') return source.file === file
    const owners = this.#files.flatMap(each =>
      each.methods.filter(method => method.name === name).map(method => ({ file: each.file, owner: method.owner })),
    )
    const named = owners.filter(each => receiver !== '' && each.owner.toLowerCase().endsWith(receiver.toLowerCase()))
    return named.length === 0 ? owners.every(each => isLayer(each.file)) : named.some(each => each.owner === owner)
  }
}

function complaintOf(call: Call, origin: Call | undefined, why: string): string {
  const where = origin === undefined || call === origin ? '' : ` (at ${placeOf(origin)})`
  return `${placeOf(call)}: '${call.name}'${where} ${why}. ${WHAT_TO_DO}`
}

/** Whose functions are writes to whoever calls them. */
function isLayer(file: string): boolean {
  return /^(storage\/redis|producer)\//.test(file) || file === 'storage/kafka/publisher.ts'
}

const WHAT_TO_DO =
  "Make each write inside crossing('…', () => …), with a point of its own in CRASH_POINTS and a row in test/support/crash-matrix.ts."

function isWrite(source: SourceFile, call: Call): boolean {
  if (KAFKAJS_WRITES.has(call.name) && call.receiver !== undefined && call.receiver !== 'this') return true
  if (!source.file.startsWith('storage/')) return false
  if (call.name === 'write' && call.receiver?.toLowerCase().endsWith('writer') === true) return true
  if (call.name === 'run' && call.receiver !== undefined) {
    const [script] = children(call.node, 'arguments')
    return script?.type !== 'Literal' || WRITING_SCRIPTS.has(String(script['value']))
  }
  return isRedisWrite(source, child(call.node, 'callee'), call.name)
}

function isRedisWrite(source: SourceFile, callee: Node | undefined, command: string): boolean {
  if (callee?.type !== 'MemberExpression') return false
  const kind = redisKind(source, child(callee, 'object'))
  if (kind === 'transaction') return command === 'exec'
  return kind !== undefined && !NO_COMMANDS.has(command) && !REDIS_READS.has(command)
}

/** What commands are given to: Redis itself, or one of its queues. */
function redisKind(source: SourceFile, node: Node | undefined): 'redis' | 'transaction' | undefined {
  if (node === undefined) return undefined
  if (nameOf(node) === 'redis') return 'redis'
  if (node.type === 'Identifier') {
    const initial = source.initials.get(String(node['name']))
    return initial === undefined || initial.type === 'Identifier' ? undefined : redisKind(source, initial)
  }
  if (node.type === 'AwaitExpression') return undefined // an answer
  if (node.type !== 'CallExpression') return undefined
  const callee = child(node, 'callee')
  if (callee?.type !== 'MemberExpression') return undefined
  const kind = redisKind(source, child(callee, 'object'))
  if (kind === 'redis' && nameOf(callee) === 'multi') return 'transaction'
  if (kind === 'redis') return nameOf(callee) === 'pipeline' ? 'redis' : undefined
  return kind
}

function isCallOf(source: SourceFile, call: Call, callee: NamedFunction): boolean {
  if (call.receiver !== undefined) return false
  const imported = source.imports.get(call.name)
  if (imported === undefined) return source.file === callee.file
  return join(dirname(source.file), imported.from) === callee.file && imported.name === callee.name
}

function keyOf({ file, name }: NamedFunction): string {
  return `${file} ${name}`
}

function placeOf({ file, line }: Call): string {
  return `${relative('.', join('src', file))}:${line}`
}
