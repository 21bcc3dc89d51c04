import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PartitionLedger } from './offset-ledger.ts'

describe('the offset ledger', () => {
  it('has its frontier at the lowest unfinished offset and at the position when all is finished', () => {
    const ledger = new PartitionLedger(10)
    expect(ledger).toMatchObject({ frontier: 10, position: 10, unfinished: 0 })
    for (const offset of [10, 11, 12]) ledger.deliver(offset)
    ledger.finish(11)
    expect(ledger).toMatchObject({ frontier: 10, position: 13, unfinished: 2, finishedAheadCount: 1 })
    ledger.finish(10)
    expect(ledger).toMatchObject({ frontier: 12, unfinished: 1, finishedAheadCount: 0 })
    ledger.finish(12)
    expect(ledger).toMatchObject({ frontier: 13, unfinished: 0, tracked: 0 })
  })

  it('counts a finish once and refuses what was never delivered', () => {
    const ledger = new PartitionLedger(0)
    ledger.deliver(0)
    ledger.deliver(5)
    expect([ledger.finish(5), ledger.finish(5), ledger.finish(3), ledger.finish(9)]).toEqual([
      true,
      false,
      false,
      false,
    ])
    expect(ledger.unfinished).toBe(1)
    expect([ledger.finish(0), ledger.finish(0), ledger.finish(5)]).toEqual([true, false, false])
    expect(ledger.frontier).toBe(6)
  })

  it('names what is finished ahead as runs that span gaps', () => {
    const ledger = new PartitionLedger(0)
    for (const offset of [0, 1, 2, 7, 8, 20]) ledger.deliver(offset)
    for (const offset of [2, 7, 20]) ledger.finish(offset)
    expect(ledger.finishedAhead()).toEqual([
      { from: 2, to: 8 },
      { from: 20, to: 21 },
    ])
    expect(ledger.finishedAhead(1)).toEqual([{ from: 2, to: 8 }])
  })

  it('takes no delivery and no mark once closed', () => {
    const ledger = new PartitionLedger(0)
    ledger.deliver(0)
    ledger.close()
    ledger.deliver(1)
    expect(ledger.finish(0)).toBe(false)
    expect(ledger).toMatchObject({ isOpen: false, frontier: 0, position: 1, unfinished: 1 })
  })

  it('does not let a mark of the former epoch finish what the next epoch delivers again', () => {
    const stale = new PartitionLedger(0)
    stale.deliver(0)
    stale.close()
    const fresh = new PartitionLedger(stale.frontier)
    fresh.deliver(0)
    stale.finish(0)
    expect(fresh).toMatchObject({ frontier: 0, unfinished: 1 })
  })

  it('refuses a delivery below its position as a defect', () => {
    const ledger = new PartitionLedger(5)
    expect(() => ledger.deliver(4)).toThrow('[internal]')
    ledger.deliver(5)
    expect(() => ledger.startAt(0)).toThrow('[internal]')
  })

  it('agrees with a naive model whatever is delivered, skipped and finished in whatever order', () => {
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.record({ deliver: fc.nat(4), count: fc.integer({ min: 1, max: 200 }) }) },
      { weight: 1, arbitrary: fc.record({ skip: fc.nat(1_000) }) },
      { weight: 6, arbitrary: fc.record({ finish: fc.nat(), count: fc.integer({ min: 1, max: 150 }) }) },
      { weight: 1, arbitrary: fc.record({ finishUnknown: fc.nat(5_000) }) },
    )
    fc.assert(
      fc.property(fc.nat(1_000), fc.array(step, { maxLength: 60 }), (start, steps) => {
        const ledger = new PartitionLedger(start)
        const model = new Map<number, boolean>()
        let position = start
        for (const action of steps) {
          if ('deliver' in action) {
            for (let n = 0; n < action.count; n += 1) {
              const offset = position + (n % 3 === 0 ? action.deliver : 0)
              ledger.deliver(offset)
              model.set(offset, false)
              position = offset + 1
            }
          } else if ('skip' in action) {
            position += action.skip
            ledger.skipTo(position)
          } else if ('finishUnknown' in action) {
            const { finishUnknown: offset } = action
            expect(ledger.finish(offset)).toBe(model.get(offset) === false)
            if (model.has(offset)) model.set(offset, true)
          } else {
            const open = [...model].filter(([, isFinished]) => !isFinished).map(([offset]) => offset)
            for (let n = 0; n < action.count && open.length > 0; n += 1) {
              const offset = open.splice((action.finish + n * 7) % open.length, 1)[0] ?? 0
              expect(ledger.finish(offset)).toBe(true)
              model.set(offset, true)
            }
          }
          agree(ledger, model, position)
        }
      }),
      { numRuns: 200 },
    )
  })

  it('finishes a hundred thousand records in reverse without slowing down', () => {
    const ledger = new PartitionLedger(0)
    for (let offset = 0; offset < 100_000; offset += 1) ledger.deliver(offset)
    for (let offset = 99_999; offset >= 0; offset -= 1) ledger.finish(offset)
    expect(ledger).toMatchObject({ frontier: 100_000, unfinished: 0, tracked: 0 })
  })
})

function agree(ledger: PartitionLedger, model: ReadonlyMap<number, boolean>, position: number): void {
  const open = [...model].filter(([, isFinished]) => !isFinished).map(([offset]) => offset)
  const frontier = open.length === 0 ? position : Math.min(...open)
  expect(ledger).toMatchObject({ position, frontier, unfinished: open.length })
  const ahead = [...model].filter(([offset, isFinished]) => isFinished && offset > frontier).map(([offset]) => offset)
  const runs = ledger.finishedAhead()
  expect(ledger.finishedAheadCount).toBe(ahead.length)
  expect(ahead.every(offset => runs.some(run => run.from <= offset && offset < run.to))).toBe(true)
  expect(open.some(offset => runs.some(run => run.from <= offset && offset < run.to))).toBe(false)
}
