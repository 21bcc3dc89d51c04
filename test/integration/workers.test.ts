// Worker processes that come, go, die, freeze and misbehave, on real servers.

import { describe, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { ODD_RESULTS, ODD_THROWS, startedTwice, work } from '../support/child-protocol.ts'
import { settled } from '../support/consuming.ts'
import { countOutcomes, runAlone, settledTwice } from '../support/observed-namespace.ts'
import { LEASE_MS, REAP_INTERVAL_MS, WorkerFleet } from '../support/worker-process.ts'

describe('workers that come and go', () => {
  test('while one joins and one leaves amid 2,000 activities, each is completed once and no attempt runs twice', async () => {
    await using fleet = await WorkerFleet.open()
    const { observed } = fleet
    const [first] = await Promise.all([fleet.start('a'), fleet.start('b')])
    const ids: string[] = []
    let third: Promise<unknown> | undefined
    const startedMs = systemClock.monotonicMs()
    while (ids.length < 2_000) {
      const batch = await observed.enqueueAll(
        work,
        // Some are still running when their partition goes to another worker.
        Array.from({ length: 100 }, (_, n) => ({ do: 'note' as const, ms: n % 10 === 0 ? 400 : 15 })),
      )
      ids.push(...batch)
      if (ids.length === 600) third = fleet.start('c')
      if (ids.length === 1_200) {
        await third
        first.signal('SIGTERM')
      }
      await observed.ended(ids.slice(0, -200))
    }
    const ends = await observed.ended(ids)
    const tookMs = systemClock.monotonicMs() - startedMs
    const [ledger, outcomes] = [fleet.ledger(), await observed.outcomes()]
    const shares = ['a', 'b', 'c'].map(
      name => ledger.filter(({ what, worker }) => what === 'end' && worker === name).length,
    )
    console.log(`2,000 activities in ${tookMs.toFixed(0)} ms; shares of a, b, c: ${shares.join(', ')}`)
    expect(startedTwice(ledger), runAlone()).toEqual([])
    expect(settledTwice(outcomes), runAlone()).toEqual([])
    expect(countOutcomes([...ends.values()])).toEqual({ completed: 2_000 })
    expect(ledger.filter(({ what }) => what === 'end')).toHaveLength(2_000)
    expect(Math.min(...shares)).toBeGreaterThan(0)
    await settled(async () => (await observed.storage.stats()).pending === 0) // every offset is finished
    expect(await first.exit()).toBe(0)
    expect(first.heard('stopped')).toEqual([{ event: 'stopped', drained: true, remaining: 0 }])
  })

  test('a worker told to stop drains 20 running handlers, and no lease expires', async () => {
    await using fleet = await WorkerFleet.open()
    const worker = await fleet.start('a')
    const ids = await fleet.observed.enqueueAll(
      work,
      Array.from({ length: 20 }, () => ({ do: 'note' as const, ms: 2_500 })),
    )
    await worker.until('started', 20)
    worker.signal('SIGTERM')
    expect(await worker.exit()).toBe(0)
    expect(worker.heard('stopped')).toEqual([{ event: 'stopped', drained: true, remaining: 0 }])
    await fleet.observed.ended(ids)
    expect(countOutcomes(await fleet.observed.outcomes())).toEqual({ completed: 20 })
    expect(startedTwice(fleet.ledger()), runAlone()).toEqual([])
  })

  test('handlers longer than the grace are given back, and run elsewhere at once without counting an attempt', async () => {
    await using fleet = await WorkerFleet.open()
    const leaving = await fleet.start('leaving', { graceMs: 300, isHanging: true, leaseMs: 60_000 })
    const ids = await fleet.observed.enqueueAll(
      work,
      Array.from({ length: 20 }, () => ({ do: 'hang' as const })),
    )
    await leaving.until('started', 20)
    await fleet.start('staying')
    const toldMs = systemClock.monotonicMs()
    leaving.signal('SIGTERM')
    expect(await leaving.exit()).toBe(0)
    const leftMs = systemClock.monotonicMs() - toldMs
    const ends = await fleet.observed.ended(ids, 10_000)
    const tookMs = systemClock.monotonicMs() - toldMs
    console.log(`told to stop: gone after ${leftMs.toFixed(0)} ms, all 20 done elsewhere after ${tookMs.toFixed(0)} ms`)
    expect(leaving.heard('stopped')).toEqual([{ event: 'stopped', drained: false, remaining: 20 }])
    const attempts = [...ends.values()].map(({ outcome, attempt, worker }) => ({ outcome, attempt, worker }))
    expect(new Set(attempts.map(each => JSON.stringify(each)))).toEqual(
      new Set([JSON.stringify({ outcome: 'completed', attempt: 1, worker: 'staying' })]),
    )
    expect(tookMs, runAlone()).toBeLessThan(8_000) // far from the lease of a minute
  })
})

describe('workers that die', () => {
  test('a worker killed with 200 activities in flight loses none: they end elsewhere within lease, reap interval and 5 s', async () => {
    await using fleet = await WorkerFleet.open()
    const dying = await fleet.start('dying', { concurrency: 200, isHanging: true })
    const ids = await fleet.observed.enqueueAll(
      work,
      Array.from({ length: 200 }, () => ({ do: 'hang' as const })),
    )
    await dying.until('started', 200)
    await fleet.start('other')
    const killedMs = systemClock.monotonicMs()
    dying.signal('SIGKILL')
    const ends = await fleet.observed.ended(ids)
    const tookMs = systemClock.monotonicMs() - killedMs
    const boundMs = LEASE_MS + REAP_INTERVAL_MS + 5_000
    console.log(`200 in flight at the kill: all ended after ${tookMs.toFixed(0)} ms (bound ${boundMs} ms)`)
    const outcomes = await fleet.observed.outcomes()
    expect(countOutcomes(outcomes)).toEqual({ lease_expired: 200, completed: 200 })
    expect([...ends.values()].every(({ attempt, worker }) => attempt === 2 && worker === 'other')).toBe(true)
    expect(settledTwice(outcomes), runAlone()).toEqual([])
    expect(startedTwice(fleet.ledger()), runAlone()).toEqual([])
    expect(tookMs, runAlone()).toBeLessThan(boundMs)
  })

  test('a worker that was stopped for twice its lease is refused when it wakes', async () => {
    await using fleet = await WorkerFleet.open()
    const frozen = await fleet.start('frozen')
    const ids = await fleet.observed.enqueueAll(work, [{ do: 'block', ms: 1_000 }])
    await frozen.until('started')
    frozen.signal('SIGSTOP')
    await fleet.start('awake')
    const ends = await fleet.observed.ended(ids)
    await systemClock.sleep(LEASE_MS) // the first lease was over before the other worker could run it
    frozen.signal('SIGCONT')
    await frozen.until('acked')
    expect(frozen.heard('acked')).toEqual([{ event: 'acked', id: ids[0], answer: 'lease_lost' }])
    expect(ends.get(ids[0] ?? '')).toMatchObject({ outcome: 'completed', attempt: 2, worker: 'awake' })
    const after = await fleet.observed.enqueueAll(
      work,
      Array.from({ length: 40 }, () => ({ do: 'note' as const, ms: 50 })),
    )
    await fleet.observed.ended(after)
    expect(settledTwice(await fleet.observed.outcomes()), runAlone()).toEqual([])
    expect(countOutcomes(await fleet.observed.outcomes())).toEqual({ lease_expired: 1, completed: 41 })
  })
})

describe('handlers that misbehave', () => {
  test('whatever a handler throws or returns ends its own activity and no other', async () => {
    await using fleet = await WorkerFleet.open()
    await fleet.start('a')
    const { observed } = fleet
    const good = Array.from({ length: 50 }, () => ({ do: 'note' as const, ms: 20 }))
    const before = await observed.enqueueAll(work, good)
    const odd = await observed.enqueueAll(
      work,
      ODD_THROWS.map(how => ({ do: how })),
      { maxAttempts: 2 },
    )
    const results = await observed.enqueueAll(
      work,
      ODD_RESULTS.map(how => ({ do: how })),
      { maxAttempts: 2 },
    )
    const [endless = ''] = await observed.enqueueAll(work, [{ do: 'endless' }], { timeoutMs: 500, maxAttempts: 2 })
    const after = await observed.enqueueAll(work, good)
    const ends = await observed.ended([...before, ...odd, ...results, endless, ...after])
    const said = (ids: readonly string[], names: readonly string[]): string[] =>
      ids.map((id, at) => `${names[at] ?? ''}: ${ends.get(id)?.outcome ?? ''} in attempt ${ends.get(id)?.attempt ?? 0}`)
    expect(said(odd, ODD_THROWS)).toEqual(ODD_THROWS.map(how => `${how}: dead_letter in attempt 2`))
    expect(said(results, ODD_RESULTS)).toEqual(ODD_RESULTS.map(how => `${how}: failed in attempt 1`))
    expect(ends.get(endless)).toMatchObject({ outcome: 'dead_letter', attempt: 2, error: { name: 'TimeoutError' } })
    expect([...before, ...after].map(id => ends.get(id)?.attempt)).toEqual(Array.from({ length: 100 }, () => 1))
    expect(countOutcomes(await observed.outcomes())['lease_expired']).toBeUndefined()
  })

  test('a handler that holds the event loop for 1.5 leases costs its own process an attempt, and the others nothing', async () => {
    await using fleet = await WorkerFleet.open()
    const { observed } = fleet
    const blocked = await fleet.start('blocked')
    const [blocking = ''] = await observed.enqueueAll(work, [{ do: 'block', ms: 1.5 * LEASE_MS }])
    await blocked.until('started')
    await fleet.start('free')
    const others = await observed.enqueueAll(
      work,
      Array.from({ length: 100 }, () => ({ do: 'note' as const, ms: 20 })),
    )
    const ends = await observed.ended([blocking, ...others])
    const outcomes = await observed.outcomes()
    expect(countOutcomes([...ends.values()])).toEqual({ completed: 101 })
    expect(settledTwice(outcomes), runAlone()).toEqual([])
    expect(startedTwice(fleet.ledger()), runAlone()).toEqual([])
    const elsewhere = outcomes.filter(({ worker, outcome }) => worker === 'free' && outcome === 'lease_expired')
    expect(elsewhere).toEqual([])
    const again = await observed.enqueueAll(
      work,
      Array.from({ length: 40 }, () => ({ do: 'note' as const, ms: 20 })),
    )
    await observed.ended(again)
    expect(blocked.hasExited).toBe(false)
  })
})
