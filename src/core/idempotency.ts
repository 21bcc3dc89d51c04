// What an enqueue with a key does, decided purely (rule 9 of the storage contract). A storage looks the entry up and
// applies the verdict in one atomic step; the Redis script gets the five verdicts of a behaviour as a table.

import type { DuplicateBehavior } from './activity.ts'

/**
 * What a key stands for now. `none`: free · `active`: its activity has not ended · `succeeded`: completed ·
 * `unsuccessful`: ended failed, dead-lettered or cancelled.
 */
export const KEY_STATES = ['none', 'active', 'succeeded', 'unsuccessful'] as const
/** One of {@link KEY_STATES}. */
export type KeyState = (typeof KEY_STATES)[number]

/** `create` a new activity · give the `existing` one · refuse as `duplicate` · refuse as `conflict`. */
export type KeyVerdict = 'create' | 'existing' | 'duplicate' | 'conflict'

/** Decides what an enqueue does that meets a key in this state. */
export function decideKey(behavior: DuplicateBehavior, state: KeyState): KeyVerdict {
  if (state === 'none') return 'create'
  switch (behavior) {
    case 'return_existing':
      return 'existing'
    case 'no_reuse':
      return 'duplicate'
    case 'allow_reuse':
      return 'create'
    case 'allow_reuse_on_failure':
      return state === 'unsuccessful' ? 'create' : 'conflict'
  }
}

/** The state of a key by the status of the activity that it names. `undefined`: nothing is remembered, so it has not ended. */
export function keyStateOf(status: string | undefined): Exclude<KeyState, 'none'> {
  if (status === 'completed') return 'succeeded'
  return status === 'failed' || status === 'dead_letter' || status === 'cancelled' ? 'unsuccessful' : 'active'
}
