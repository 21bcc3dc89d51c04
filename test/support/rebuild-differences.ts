// What a rebuilt Redis may lack or have besides, field by field, each with its reason. Whatever else differs is an error, and
// so is a rule that nothing needs any more.

import type { DumpedKey, RedisDump } from './redis-dump.ts'

/** One field that differs; `field` is `(goes at)` for the time at which a key goes. */
export interface Difference {
  readonly key: string
  readonly field: string
  readonly before: string | undefined
  readonly after: string | undefined
  readonly was: DumpedKey | undefined
  readonly is: DumpedKey | undefined
}

interface Rule {
  readonly reason: string
  readonly allows: (difference: Difference) => boolean
}

const GOES_DIFFERS_MS_MAX = 10_000
const isMarker = ({ key }: Difference): boolean => key.startsWith('m:')
const isRunning = ({ was }: Difference): boolean => was?.fields['s'] === 'running'

/** The rules, each seen at work in the test. */
export const MAY_DIFFER: readonly Rule[] = [
  {
    reason: 'a lease is only in Redis: what ran is claimed anew, from its lane record',
    allows: each => (isMarker(each) && isRunning(each)) || each.key === 'leases' || each.key === 'running',
  },
  {
    reason: 'the note of a release says nothing that its lane record does not',
    allows: each => isMarker(each) && each.was?.fields['s'] === 'pending' && each.was.fields['rl'] !== undefined,
  },
  {
    reason:
      'the digest of what a settlement said is not in the log: said again, in whatever words, it is answered as settled',
    allows: each => isMarker(each) && each.field === 'sd' && each.after === undefined,
  },
  {
    reason: 'the token of a cancel serves a call that is still under way',
    allows: each =>
      isMarker(each) && each.field === 'sl' && each.was?.fields['so'] === 'cancelled' && each.after === undefined,
  },
  {
    reason: 'cancelled, its lane record seen: nobody says so in the log, so it is remembered like one that is unseen',
    allows: each =>
      isMarker(each) &&
      each.is?.fields['u'] === '1' &&
      (each.field === 'u' || (each.field === '(goes at)' && lasts(each))),
  },
  {
    reason: 'what a rebuild made of a key is marked, so that a later reservation wins over it',
    allows: each => each.key.startsWith('key:') && each.field === 'ra' && each.before === undefined,
  },
  {
    reason: 'a count of none may be there or not',
    allows: each => each.key === 'unseen' && Number(each.before ?? '0') === 0 && Number(each.after ?? '0') === 0,
  },
  { reason: "the rebuild's own position, while it is of use", allows: each => each.key === 'rebuild' },
]

/** All differences of two dumps; of a key that is missing, all of its fields. */
export function differencesOf(before: RedisDump, after: RedisDump): Difference[] {
  return [...new Set([...before.keys(), ...after.keys()])].flatMap(key => {
    const was = before.get(key)
    const is = after.get(key)
    const fields = new Set([...Object.keys(was?.fields ?? {}), ...Object.keys(is?.fields ?? {})])
    const found = [...fields].map(field => ({ field, before: was?.fields[field], after: is?.fields[field] }))
    const goes = { field: '(goes at)', before: String(was?.goesAtMs), after: String(is?.goesAtMs) }
    const differ = found.filter(each => each.before !== each.after)
    return [...differ, ...(goesWith(was, is) ? [] : [goes])].map(each => ({ ...each, key, was, is }))
  })
}

/** The differences that no rule allows, and the rules that none needed. */
export function judge(differences: readonly Difference[]): { unexplained: unknown[]; needless: string[] } {
  return {
    unexplained: differences
      .filter(difference => !MAY_DIFFER.some(rule => rule.allows(difference)))
      .map(({ key, field, before, after }) => ({ key, field, before, after })),
    needless: MAY_DIFFER.filter(rule => !differences.some(rule.allows)).map(({ reason }) => reason),
  }
}

function goesWith(was: DumpedKey | undefined, is: DumpedKey | undefined): boolean {
  if (was === undefined || is === undefined) return true // its fields tell
  if (was.goesAtMs === -1 || is.goesAtMs === -1) return was.goesAtMs === is.goesAtMs
  return Math.abs(was.goesAtMs - is.goesAtMs) <= GOES_DIFFERS_MS_MAX
}

function lasts({ was, is }: Difference): boolean {
  return was !== undefined && is !== undefined && was.goesAtMs !== -1 && is.goesAtMs > was.goesAtMs
}
