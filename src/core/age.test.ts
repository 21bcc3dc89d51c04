import { expect, test } from 'vitest'

import { compareAge } from './age.ts'

const at = (createdAtMs: number, id: string) => ({ createdAtMs, id })

test('the older comes first: by time, then by length of the id, then by the id', () => {
  const inOrder = [at(1, 'z'), at(2, 'batch-2'), at(2, 'batch-9'), at(2, 'batch-10'), at(3, 'a')]
  expect(inOrder.toReversed().toSorted(compareAge)).toEqual(inOrder)
  const signs = [
    ['a', 'b'],
    ['b', 'a'],
    ['a', 'a'],
  ].map(([one = '', other = '']) => compareAge(at(1, one), at(1, other)))
  expect(signs).toEqual([-1, 1, 0])
})
