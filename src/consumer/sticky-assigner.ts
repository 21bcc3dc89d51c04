// Which member gets which partition: a pure function. kafkajs's own assigner deals by index over sorted random member ids,
// so that every join moves nearly everything; this one keeps, then balances each topic, then the total.
//
// 1. Each topic is spread evenly over the members that want it: some get `floor`, the others one more (an "extra").
// 2. Extras go to members that would otherwise lose a partition, then to those with the least in total; chains of swaps
//    then bring the totals together, the cheapest first.
// 3. Each member keeps what it has up to its share; what is over goes to whoever has too little.
//
// The same input gives the same result, whatever order members and topics come in.

/** A member of the group, as the leader sees it. */
export interface AssignerMember {
  readonly memberId: string
  /** What it subscribed to. */
  readonly topics: readonly string[]
  /** What it says it has now: partitions by topic. May be out of date, or claim what another has too. */
  readonly owned: Readonly<Record<string, readonly number[]>>
}

/** Partitions by member and topic. Every member is in it, also one that gets nothing. */
export type StickyAssignment = Map<string, Map<string, number[]>>

/** One topic while it is being dealt out. */
interface TopicShare {
  readonly topic: string
  readonly partitions: readonly number[]
  readonly eligible: readonly string[]
  readonly floor: number
  /** Owned now and still there, by member; each partition at most once. */
  readonly owned: ReadonlyMap<string, readonly number[]>
  /** Members that get one more than `floor`. */
  readonly extras: Set<string>
}

/** Assigns every partition of `partitions` (by topic) that some member subscribed to, exactly once. */
export function assignSticky(
  members: readonly AssignerMember[],
  partitions: Readonly<Record<string, readonly number[]>>,
): StickyAssignment {
  const sorted = members.toSorted((a, b) => compare(a.memberId, b.memberId))
  const shares = Object.keys(partitions)
    .toSorted(compare)
    .map(topic => shareOf(topic, partitions[topic] ?? [], sorted))
    .filter(share => share.eligible.length > 0)
  const totals = new Map(sorted.map(member => [member.memberId, 0]))
  for (const { eligible, floor } of shares) for (const id of eligible) add(totals, id, floor)
  for (const share of shares) giveExtras(share, totals)
  balanceTotals(shares, totals)
  const result: StickyAssignment = new Map(sorted.map(member => [member.memberId, new Map()]))
  for (const share of shares) deal(share, result)
  return result
}

function shareOf(topic: string, partitions: readonly number[], members: readonly AssignerMember[]): TopicShare {
  const wanting = members.filter(member => member.topics.includes(topic))
  const free = new Set(partitions)
  const owned = new Map<string, number[]>()
  for (const member of wanting) {
    const claimed = new Set(member.owned[topic] ?? [])
    const kept = [...claimed].filter(partition => free.delete(partition))
    owned.set(
      member.memberId,
      kept.toSorted((a, b) => a - b),
    )
  }
  return {
    topic,
    partitions: partitions.toSorted((a, b) => a - b),
    eligible: wanting.map(member => member.memberId),
    floor: wanting.length === 0 ? 0 : Math.floor(partitions.length / wanting.length),
    owned,
    extras: new Set(),
  }
}

function giveExtras(share: TopicShare, totals: Map<string, number>): void {
  const count = share.partitions.length - share.floor * share.eligible.length
  const byNeed = share.eligible.toSorted(
    (a, b) =>
      Number(wouldLose(share, b)) - Number(wouldLose(share, a)) ||
      (totals.get(a) ?? 0) - (totals.get(b) ?? 0) ||
      compare(a, b),
  )
  for (const id of byNeed.slice(0, count)) {
    share.extras.add(id)
    add(totals, id, 1)
  }
}

/**
 * Moves extras from who has most to who has least while a member has two more than another, along the chain of members
 * that costs the fewest kept partitions: u gives up an extra of one topic to v, v one of another topic to w. Each chain
 * narrows the totals, so it ends.
 */
function balanceTotals(shares: readonly TopicShare[], totals: Map<string, number>): void {
  for (;;) {
    const steps = cheapestSteps(shares, [...totals.keys()])
    let best: Chain | undefined
    for (const from of totals.keys()) best = better(best, cheapestChain(from, steps, totals))
    if (best === undefined) return
    for (const { share, from, to } of best.steps) {
      share.extras.delete(from)
      share.extras.add(to)
      add(totals, from, -1)
      add(totals, to, 1)
    }
  }
}

/** One member gives up an extra to another. */
interface Step {
  readonly share: TopicShare
  readonly from: string
  readonly to: string
  /** Partitions that are not kept because of it. */
  readonly costs: number
}

interface Chain {
  readonly steps: readonly Step[]
  readonly costs: number
  readonly narrows: number
}

/** For each pair of members, the step that costs least. */
function cheapestSteps(shares: readonly TopicShare[], members: readonly string[]): Step[] {
  const steps: Step[] = []
  for (const from of members) {
    for (const to of members) {
      let best: Step | undefined
      for (const share of shares) {
        if (!share.extras.has(from) || share.extras.has(to) || !share.eligible.includes(to)) continue
        const costs = Number(wouldLose(share, from)) - Number(wouldLose(share, to))
        if (best === undefined || costs < best.costs) best = { share, from, to, costs }
      }
      if (best !== undefined) steps.push(best)
    }
  }
  return steps
}

/** Shortest paths by relaxing (steps may cost -1); the first dealing of extras leaves no cycle that gains. */
function cheapestChain(start: string, steps: readonly Step[], totals: ReadonlyMap<string, number>): Chain | undefined {
  const reached = new Map<string, Chain>([[start, { steps: [], costs: 0, narrows: 0 }]])
  const narrowsTo = (id: string): number => (totals.get(start) ?? 0) - (totals.get(id) ?? 0)
  for (let round = 0, hasChanged = true; hasChanged && round < totals.size; round += 1) {
    hasChanged = false
    for (const step of steps) {
      const chain = reached.get(step.from)
      if (chain === undefined || chain.steps.some(({ from }) => from === step.to)) continue
      const costs = chain.costs + step.costs
      if (costs >= (reached.get(step.to)?.costs ?? Number.POSITIVE_INFINITY)) continue
      reached.set(step.to, { steps: [...chain.steps, step], costs, narrows: narrowsTo(step.to) })
      hasChanged = true
    }
  }
  let best: Chain | undefined
  for (const chain of reached.values()) if (chain.narrows >= 2) best = better(best, chain)
  return best
}

function better(a: Chain | undefined, b: Chain | undefined): Chain | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return b.costs < a.costs || (b.costs === a.costs && b.narrows > a.narrows) ? b : a
}

function wouldLose(share: TopicShare, memberId: string): boolean {
  return (share.owned.get(memberId)?.length ?? 0) > share.floor
}

function deal(share: TopicShare, result: StickyAssignment): void {
  const free = new Set(share.partitions)
  const lists = new Map<string, number[]>()
  for (const id of share.eligible) {
    const kept = (share.owned.get(id) ?? []).slice(0, quotaOf(share, id))
    for (const partition of kept) free.delete(partition)
    lists.set(id, kept)
  }
  const rest = [...free]
  for (const [id, list] of lists) {
    list.push(...rest.splice(0, quotaOf(share, id) - list.length))
    if (list.length > 0)
      result.get(id)?.set(
        share.topic,
        list.toSorted((a, b) => a - b),
      )
  }
}

function quotaOf(share: TopicShare, memberId: string): number {
  return share.floor + (share.extras.has(memberId) ? 1 : 0)
}

function add(totals: Map<string, number>, id: string, count: number): void {
  totals.set(id, (totals.get(id) ?? 0) + count)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
