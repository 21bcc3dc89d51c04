import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Heap } from './heap.ts'

interface Item {
  readonly rank: number
  readonly order: number
}

const compare = (a: Item, b: Item): number => a.rank - b.rank || a.order - b.order

test('whatever is added and taken out, the first is always the smallest', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('push' as const), rank: fc.integer({ min: 0, max: 9 }) }),
    fc.record({ kind: fc.constant('pop' as const), rank: fc.constant(0) }),
    fc.record({ kind: fc.constant('delete' as const), rank: fc.nat(50) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), steps => {
      const heap = new Heap(compare)
      let model: Item[] = []
      for (const [order, { kind, rank }] of steps.entries()) {
        if (kind === 'push') {
          const item = { rank, order }
          heap.push(item)
          model = [...model, item].sort(compare)
        } else if (kind === 'pop') {
          expect(heap.pop()).toBe(model[0])
          model = model.slice(1)
        } else {
          const item = model[rank]
          expect(heap.delete(item ?? { rank, order })).toBe(item !== undefined)
          model = model.filter(other => other !== item)
        }
        expect(heap.size).toBe(model.length)
        expect(heap.peek()).toBe(model[0])
      }
    }),
  )
})
