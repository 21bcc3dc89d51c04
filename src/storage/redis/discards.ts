// What people have done about dead letters: which were discarded, beside what they were redriven as. Of discards only Redis knows:
// with its data lost they are shown again, which costs nobody more than a look.

import { crossing } from '../../core/crash-point.ts'
import type { Discard } from '../../core/discard.ts'
import { REDRIVEN_MS, readRedrives } from './markers.ts'
import type { SideStore } from './side-store.ts'

/** What was done about one. */
export interface Dealt {
  readonly redrivenAs: string | null
  /** A redrive undoes it. */
  readonly discarded: Discard | null
}

/** Notes a discard, for as long as what a dead letter was redriven as. False: it was noted before, and stays as it was. */
export async function noteDiscard(store: SideStore, id: string, discard: Discard): Promise<boolean> {
  const { main, keys } = store
  const text = JSON.stringify(discard)
  const answer = await crossing('discard.noted', () =>
    main.guard('a discard', () => main.redis.set(keys.discard(id), text, 'PX', REDRIVEN_MS, 'NX')),
  )
  return answer === 'OK'
}

/** Reads what was done about these, one answer each. */
export async function readDealt(store: SideStore, ids: readonly string[]): Promise<Dealt[]> {
  if (ids.length === 0) return []
  const { main, keys } = store
  const [redrives, texts] = await Promise.all([
    readRedrives(store, ids),
    main.guard('discards', () => main.redis.mget(ids.map(id => keys.discard(id)))),
  ])
  return redrives.map((redrivenAs, at): Dealt => {
    const text = texts[at] ?? null
    const discarded = redrivenAs !== null || text === null ? null : (JSON.parse(text) as Discard)
    return { redrivenAs, discarded }
  })
}
