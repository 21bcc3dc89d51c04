import { expect, test } from 'vitest'

import { DUPLICATE_BEHAVIORS } from './activity.ts'
import { KEY_STATES, decideKey, keyStateOf } from './idempotency.ts'

// Rule 9 of the storage contract: behaviour by the state of the key.
const VERDICTS = {
  //                       none      active      succeeded   unsuccessful
  return_existing: ['create', 'existing', 'existing', 'existing'],
  no_reuse: ['create', 'duplicate', 'duplicate', 'duplicate'],
  allow_reuse: ['create', 'create', 'create', 'create'],
  allow_reuse_on_failure: ['create', 'conflict', 'conflict', 'create'],
} as const

test.each(
  DUPLICATE_BEHAVIORS.flatMap(behavior =>
    KEY_STATES.map((state, at) => [behavior, state, VERDICTS[behavior][at]] as const),
  ),
)('%s on a key that is %s: %s', (behavior, state, verdict) => expect(decideKey(behavior, state)).toBe(verdict))

test.each([
  [undefined, 'active'],
  ['pending', 'active'],
  ['scheduled', 'active'],
  ['running', 'active'],
  ['completed', 'succeeded'],
  ['failed', 'unsuccessful'],
  ['dead_letter', 'unsuccessful'],
  ['cancelled', 'unsuccessful'],
])('a key whose activity is %s is %s', (status, state) => expect(keyStateOf(status)).toBe(state))
