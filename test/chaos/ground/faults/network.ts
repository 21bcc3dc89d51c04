// Faults of the network between clients and servers, by their proxies: cut, stalled, slow, and answers that are lost after
// what was asked for has been done.

import { waitUntil } from '../../../../scripts/stack/wait.ts'
import type { Fault, Ground, Injection, Random } from '../ground.ts'
import { kafkaCure, partitionsOf } from '../kafka-view.ts'
import type { Proxy, ProxyCounters } from '../proxy.ts'
import { askRedis, redisCure } from '../redis-view.ts'

/** Clients that talk at all have said something by then. */
const TALK_MS_MAX = 15_000
/** Kafka's number of the produce request. */
const PRODUCE = 0

type Side = 'kafka' | 'redis'

/** See the head of the file. */
export const NETWORK_FAULTS: readonly Fault[] = (['kafka', 'redis'] as const).flatMap(side => [
  fault(`net.cut.${side}`, side, 4, cut),
  fault(`net.stall.${side}`, side, 5, stall),
  fault(`net.delay.${side}`, side, 6, delay),
  fault(`net.lost.${side}`, side, 4, lose),
])

/** The proxies that one injection misuses, and what they have counted since it began. */
interface Aim {
  readonly side: Side
  readonly proxies: readonly Proxy[]
  counted(name: keyof ProxyCounters): number
}

/** Hits, lasts, heals, and gives the proof. */
type Hit = (aim: Aim, ground: Ground, random: Random) => Promise<string | null>

function fault(name: string, side: Side, seconds: number, hit: Hit): Fault {
  return {
    ...{ name, lane: 'servers', seconds, losesRedis: false },
    inject: async (ground, random): Promise<Injection> => {
      const { target, proxies } = await chosen(ground, random, side)
      const before = proxies.map(({ counters }) => ({ ...counters }))
      const counted = (what: keyof ProxyCounters): number =>
        proxies.reduce((sum, { counters }, at) => sum + counters[what] - (before[at]?.[what] ?? 0), 0)
      const proof = await hit({ side, proxies, counted }, ground, random)
      const cure = side === 'kafka' ? await kafkaCure(ground) : await redisCure(ground.stack)
      return { target, proof, cure }
    },
  }
}

/** With three brokers all, or one that leads something: to one that came back a moment ago nobody talks. */
async function chosen(
  { stack, topics }: Ground,
  random: Random,
  side: Side,
): Promise<Pick<Aim, 'proxies'> & { target: string }> {
  if (side === 'redis') return { target: 'the way to redis', proxies: [stack.redisProxy] }
  const all = [...stack.kafkaProxies]
  const leaders = topics.length === 0 ? [] : ((await partitionsOf(stack, topics)) ?? []).map(({ leader }) => leader)
  const leading = all.filter(([broker]) => leaders.includes(broker))
  const [id, proxy] = random.pick(leading.length > 0 ? leading : all)
  if (all.length === 1 || random.next() < 0.5) return { target: `the way to broker ${id}`, proxies: [proxy] }
  return { target: 'the way to every broker', proxies: all.map(([, each]) => each) }
}

async function cut({ proxies, counted }: Aim, { clock }: Ground, random: Random): Promise<string | null> {
  await spoken(() => proxies.some(({ open }) => open > 0))
  for (const proxy of proxies) proxy.refuse(true)
  try {
    for (const proxy of proxies) proxy.cut()
    await clock.sleep(random.between(500, 4_000))
  } finally {
    for (const proxy of proxies) proxy.refuse(false)
  }
  return counted('cuts') > 0
    ? `${counted('cuts')} connections reset, ${counted('refused')} turned away after that`
    : null
}

async function stall({ proxies, counted }: Aim, { clock, leaseMs }: Ground, random: Random): Promise<string | null> {
  for (const proxy of proxies) proxy.stall(true)
  try {
    await spoken(() => counted('held') > 0)
    await clock.sleep(random.between(500, leaseMs + 2_000))
  } finally {
    for (const proxy of proxies) proxy.stall(false)
  }
  return counted('held') > 0 ? `${counted('held')} bytes held` : null
}

/** 200 ms, give or take 150, each way; the time of an own question is part of the proof. */
async function delay({ side, proxies, counted }: Aim, ground: Ground, random: Random): Promise<string | null> {
  const { clock, stack } = ground
  for (const proxy of proxies) proxy.delay({ ms: 200, jitterMs: 150, random })
  let answered = ''
  try {
    await spoken(() => counted('delayed') > 0)
    if (side === 'redis') {
      const startedMs = clock.monotonicMs()
      await askRedis(stack.redisUrl, redis => redis.ping())
      answered = `, an answer took ${Math.round(clock.monotonicMs() - startedMs)} ms`
    }
    await clock.sleep(random.between(2_000, 5_000))
  } finally {
    for (const proxy of proxies) proxy.delay(null)
  }
  return counted('delayed') > 0 ? `${counted('delayed')} chunks made late${answered}` : null
}

/** Of some connections now, of others a few answers later, so that clients get on in between. */
async function lose({ side, proxies, counted }: Aim, { clock }: Ground, random: Random): Promise<string | null> {
  const wants = side === 'kafka' ? isProduce : isScript
  for (const proxy of proxies) proxy.dropAnswers({ wants, afterReplies: () => random.integer(0, 5) })
  try {
    await spoken(() => counted('dropped') > 0)
    await clock.sleep(random.between(500, 3_000))
  } finally {
    for (const proxy of proxies) proxy.dropAnswers(null)
  }
  const what = side === 'kafka' ? 'produce requests' : 'scripts'
  return counted('dropped') > 0
    ? `${counted('dropped')} bytes of answers to ${what} dropped, ${counted('cuts')} connections cut`
    : null
}

/** Waits until clients have given the fault something to act on; if they do not, it has no proof. */
async function spoken(hasHappened: () => boolean): Promise<void> {
  const untilMs = performance.now() + TALK_MS_MAX
  const isOver = (): boolean => hasHappened() || performance.now() > untilMs
  await waitUntil(isOver, { what: 'clients to talk', deadlineMs: TALK_MS_MAX * 2, intervalMs: 10 })
}

/** Whether one of the requests in this chunk, which begins with one, is a produce: length, then number, of each. */
export function isProduce(chunk: Buffer): boolean {
  for (let at = 0; at + 6 <= chunk.length;) {
    const bytes = chunk.readInt32BE(at)
    if (chunk.readInt16BE(at + 4) === PRODUCE && bytes > 8) return true
    if (bytes <= 0) return false // the middle of a request
    at += 4 + bytes
  }
  return false
}

function isScript(chunk: Buffer): boolean {
  return /eval(?:sha)?\r\n/i.test(chunk.toString('latin1'))
}
