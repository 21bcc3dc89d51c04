import { expect, test } from 'vitest'
import { colorsFor } from '../output/style.ts'
import { tableText } from '../output/table.ts'
import { APPLIED_COLUMNS } from './topics.ts'

test('what apply has done is told as done, what it could not as still to do', () => {
  const base = { role: 'lane', type: 'mail', reason: null } as const
  const partitions = { setting: 'partitions', wanted: '8', have: '4' }
  const text = tableText(
    [
      { ...base, topic: 'new', action: 'create', differences: [{ ...partitions, have: null }] },
      { ...base, topic: 'old', action: 'differs', differences: [partitions] },
      { ...base, topic: 'left', action: 'cannot_fix', differences: [partitions], reason: 'Ask for it.' },
      { ...base, topic: 'fine', action: 'ok', differences: [] },
    ],
    APPLIED_COLUMNS,
    colorsFor(false),
  )
  expect(
    text
      .split('\n')
      .slice(1)
      .map(line => line.replaceAll(/ +/g, ' ')),
  ).toEqual([
    'new created partitions=8',
    'old altered partitions was 4, is 8',
    'left cannot_fix partitions is 4, should be 8. Ask for it.',
    'fine ok',
  ])
})
