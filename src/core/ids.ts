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
  // Random bytes are drawn in bulk: one call per id costs more than the rest of the id.
  const pool = Buffer.alloc(4_096)
  let used = pool.length
  const draw = (count: number): Buffer => {
    if (used + count > pool.length) {
      options.randomBytes(pool)
      used = 0
    }
    used += count
    return pool.subarray(used - count, used)
  }
  return {
    next() {
      const nowMs = Math.max(options.nowMs(), lastMs)
      if (nowMs > lastMs) {
        lastMs = nowMs
        // Starts in the lower half, so that a millisecond has room for at least 2,048 ids.
        counter = draw(2).readUInt16BE() & 0x7ff
      } else if (counter === COUNTER_MAX) {
        lastMs += 1
        counter = 0
      } else {
        counter += 1
      }
      return format(lastMs, counter, draw(8))
    },
  }
}

function format(ms: number, counter: number, random: Buffer): string {
  const time = ms.toString(16).padStart(12, '0')
  random.writeUInt8((random.readUInt8() & 0x3f) | 0x80)
  const hex = random.toString('hex')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${counter.toString(16).padStart(3, '0')}-${hex.slice(0, 4)}-${hex.slice(4)}`
}

const UUIDV7 = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** When a UUIDv7 was made, in ms since the epoch; undefined for any other id. */
export function uuidv7TimeMs(id: string): number | undefined {
  const match = UUIDV7.exec(id)
  return match === null ? undefined : Number.parseInt(`${match[1]}${match[2]}`, 16)
}
