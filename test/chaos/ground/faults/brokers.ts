// Faults of the brokers: one killed, one stopped for longer than its session, all killed, and too few in sync.

import { waitUntil } from '../../../../scripts/stack/wait.ts'
import type { Fault, Ground, Injection, Random } from '../ground.ts'
import { controllerOf, coordinatorOf, kafkaCure, partitionsOf } from '../kafka-view.ts'
import { describeState, goneProof, isStopped } from '../processes.ts'

/** As the stack's brokers are told. */
const BROKER_SESSION_MS = 2_000
const FAILOVER_MS_MAX = 30_000

/** See the head of the file. */
export const BROKER_FAULTS: readonly Fault[] = [
  {
    ...{ name: 'broker.kill', lane: 'servers', seconds: 11, losesRedis: false },
    inject: async (ground, random) => {
      const { stack, clock } = ground
      const { id, why } = await victimOf(ground, random)
      const pid = stack.brokerPid(id)
      await stack.killBroker(id)
      const deadAtMs = clock.monotonicMs()
      let proof = await goneProof(pid)
      if (stack.brokers.length > 1 && proof !== null) proof += `; ${await leadersWithout(ground, id)}`
      await clock.sleep(Math.max(0, random.between(2_000, 5_000) - (clock.monotonicMs() - deadAtMs)))
      await stack.startBroker(id)
      return { target: `broker ${id} (${why})`, proof, cure: await kafkaCure(ground) }
    },
  },
  {
    ...{ name: 'broker.stop', lane: 'servers', seconds: 8, losesRedis: false },
    inject: async (ground, random) => {
      const { id, why } = await victimOf(ground, random)
      const stopMs = BROKER_SESSION_MS * random.between(1, 3)
      const proof = await whileStopped(ground, id, () => ground.clock.sleep(stopMs))
      const lasting = proof === null ? null : `${proof} for ${Math.round(stopMs)} ms`
      return { target: `broker ${id} (${why})`, proof: lasting, cure: await kafkaCure(ground) }
    },
  },
  {
    ...{ name: 'brokers.killall', lane: 'servers', seconds: 16, losesRedis: false },
    inject: async (ground, random) => {
      const { stack, clock } = ground
      const ids = stack.brokers.map(({ id }) => id)
      const pids = ids.map(id => stack.brokerPid(id))
      await Promise.all(ids.map(id => stack.killBroker(id)))
      const proofs = await Promise.all(pids.map(goneProof))
      await clock.sleep(random.between(1_000, 3_000))
      await Promise.all(ids.map(id => stack.startBroker(id)))
      const proof = proofs.includes(null) ? null : proofs.join(', ')
      return { target: `brokers ${ids.join(', ')}`, proof, cure: await kafkaCure(ground) }
    },
  },
  {
    ...{ name: 'isr.below', lane: 'servers', seconds: 15, losesRedis: false, needs: { brokers: 3 } },
    inject: belowIsr,
  },
]

/** One of three dead and one stopped: what is left must acknowledge nothing. */
async function belowIsr(ground: Ground, random: Random): Promise<Injection> {
  const { stack, clock } = ground
  const dead = random.pick(stack.brokers).id
  const stopped = random.pick(stack.brokers.filter(({ id }) => id !== dead)).id
  const pid = stack.brokerPid(dead)
  await stack.killBroker(dead)
  const proofs = [await goneProof(pid)]
  try {
    proofs.push(await whileStopped(ground, stopped, () => clock.sleep(random.between(3_000, 6_000))))
  } finally {
    await stack.startBroker(dead)
  }
  return {
    target: `brokers ${dead} (killed) and ${stopped} (stopped)`,
    proof: proofs.includes(null) ? null : proofs.join(', '),
    cure: await kafkaCure(ground),
  }
}

/** With three brokers one that has a part to play, named with it; which part is drawn. */
async function victimOf({ stack, topics, groups }: Ground, random: Random): Promise<{ id: number; why: string }> {
  const [only] = stack.brokers
  if (stack.brokers.length === 1 && only !== undefined) return { id: only.id, why: 'the only one' }
  const part = random.pick(['leader', 'controller', 'coordinator'] as const)
  if (part === 'controller') {
    const id = controllerOf(stack)
    if (id !== undefined) return { id, why: 'the controller' }
  }
  if (part === 'coordinator' && groups.length > 0) {
    const group = random.pick(groups)
    const id = await coordinatorOf(stack, group)
    if (id !== undefined) return { id, why: `the coordinator of ${group}` }
  }
  const partitions = topics.length === 0 ? [] : ((await partitionsOf(stack, topics)) ?? [])
  if (partitions.length === 0) return { id: random.pick(stack.brokers).id, why: 'any' }
  const led = random.pick(partitions)
  return { id: led.leader, why: `the leader of ${led.topic} ${led.partition}` }
}

/** Waits until no partition is led by the broker any more, and says who leads them. */
async function leadersWithout({ stack, topics }: Ground, id: number): Promise<string> {
  if (topics.length === 0) return 'there are no topics to be led'
  let leaders: readonly number[] = []
  const isOver = async (): Promise<boolean> => {
    const partitions = await partitionsOf(stack, topics)
    leaders = partitions?.map(({ leader }) => leader) ?? [id]
    return !leaders.includes(id)
  }
  const explain = (): string => `leaders: ${leaders.join(', ')}`
  await waitUntil(isOver, { what: `others to lead instead of broker ${id}`, deadlineMs: FAILOVER_MS_MAX, explain })
  return `led by ${[...new Set(leaders)].sort().join(' and ')} instead`
}

async function whileStopped({ stack }: Ground, id: number, wait: () => Promise<void>): Promise<string | null> {
  const pid = stack.brokerPid(id)
  await stack.killBroker(id, 'SIGSTOP')
  try {
    await wait()
    return isStopped(pid) ? describeState(pid) : null
  } finally {
    await stack.killBroker(id, 'SIGCONT')
  }
}
