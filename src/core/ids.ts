// UUIDv7 (RFC 9562, method 1 of section 6.2: a counter in rand_a): ids of one process sort by when they were made,
// also within a millisecond, and tell their time, which is how the log is searched for a bare id.

/** Where ids come from; tests hand in their own. */
export interface IdSource {
  next(): string
}

/** Fills the array with random bytes. */
export type RandomBytes = (into: Uint8Array) => Uint8Array

const COUNTER_MAX = 0xfff

/** UUIDv7s from a clock and random bytes. Monotonic, also when the clock steps back. */
export function uuidv7Source(options: { readonly nowMs: () => number; readonly randomBytes: RandomBytes }): IdSource {
  let lastMs = -1
  let counter = 0
  let time = ''
  // Random bytes are drawn in bulk, and as text: one call per id costs more than the rest of the id.
  const pool = Buffer.alloc(4_096)
  let digits = ''
  let used = 0
  const draw = (count: number): string => {
    if (used + count > digits.length) {
      options.randomBytes(pool)
      digits = pool.toString('hex')
      used = 0
    }
    used += count
    return digits.slice(used - count, used)
  }
  return {
    next() {
      const nowMs = Math.max(options.nowMs(), lastMs)
      if (nowMs > lastMs) {
        lastMs = nowMs
        time = timeText(lastMs)
        // Starts in the lower half, so that a millisecond has room for at least 2,048 ids.
        counter = Number.parseInt(draw(4), 16) & 0x7ff
      } else if (counter === COUNTER_MAX) {
        lastMs += 1
        time = timeText(lastMs)
        counter = 0
      } else {
        counter += 1
      }
      const variant = VARIANTS[Number.parseInt(draw(1), 16) & 3] ?? '8'
      return `${time}-7${counter.toString(16).padStart(3, '0')}-${variant}${draw(3)}-${draw(12)}`
    },
  }
}

/** The variant's two bits, 10, and two random ones. */
const VARIANTS = ['8', '9', 'a', 'b'] as const

function timeText(ms: number): string {
  const hex = ms.toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}`
}

const UUIDV7 = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** When a UUIDv7 was made, in ms since the epoch; undefined for any other id. */
export function uuidv7TimeMs(id: string): number | undefined {
  const match = UUIDV7.exec(id)
  return match === null ? undefined : Number.parseInt(`${match[1]}${match[2]}`, 16)
}
