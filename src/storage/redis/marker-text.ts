// A marker as Redis keeps it (`scripts/shared.lua`): one string, of which only this file and that script know the form.
//
//   {"s":"running","n":"1",...,"e":564}\n<envelope><result>
//
// `e` in the object is the envelope's length in bytes; both texts are as they came, and either may be missing.

/** A marker's fields. Each is text; what is empty or missing is not known. */
export interface MarkerFields {
  /** Status; `n` attempt · `l` lease · `d` deadline · `b` begun at · `w` worker · `e` envelope · `tp` type and priority · `k` key. */
  readonly s?: string
  readonly n?: string
  readonly l?: string
  readonly d?: string
  readonly b?: string
  readonly w?: string
  readonly e?: string
  readonly tp?: string
  readonly k?: string
  /** Of the latest settlement: `sn` attempt · `so` outcome · `sl` lease · `sd` digest · `sa` due at · `t` ended at · `er` error · `r` result · `tr` traceparent. */
  readonly sn?: string
  readonly so?: string
  readonly sl?: string
  readonly sd?: string
  readonly sa?: string
  readonly t?: string
  readonly er?: string
  readonly r?: string
  readonly tr?: string
  /** Cancel asked for · `cr` its reason · `rc`, `ra` as the reaper found it, and when · `rl` lease that was given back. */
  readonly c?: string
  readonly cr?: string
  readonly rc?: string
  readonly ra?: string
  readonly rl?: string
  /** Redriven as · `rp` that one is in Kafka · `u` cancelled, its lane record unseen · `h` its home in the schedule. */
  readonly rd?: string
  readonly rp?: string
  readonly u?: string
  readonly h?: string
}

const LINE_END = 0x0a

/** Takes a marker's bytes apart; null for none. */
export function markerFields(value: Buffer | null): MarkerFields | null {
  if (value === null) return null
  const stop = value.indexOf(LINE_END)
  const { e: length = 0, ...fields } = JSON.parse(value.toString('utf8', 0, stop)) as Omit<MarkerFields, 'e'> & {
    readonly e?: number
  }
  const envelopeEnds = stop + 1 + length
  return {
    ...fields,
    ...(length > 0 ? { e: value.toString('utf8', stop + 1, envelopeEnds) } : {}),
    ...(value.length > envelopeEnds ? { r: value.toString('utf8', envelopeEnds) } : {}),
  }
}
