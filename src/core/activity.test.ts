import { expect, test } from 'vitest'

import { ATTEMPT_OUTCOMES, STATUSES, TERMINAL_STATUSES, isTerminal } from './activity.ts'

test('completed, failed, dead_letter and cancelled end an activity; nothing else does', () => {
  const words = [...new Set([...STATUSES, ...ATTEMPT_OUTCOMES])]
  expect(words.filter(isTerminal).toSorted()).toEqual([...TERMINAL_STATUSES].toSorted())
})
