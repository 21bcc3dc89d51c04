// Numbers that look random and are the same for the same seed, so that a run can be had again.

/** A source of numbers in [0, 1). Named streams of one seed do not disturb each other. */
export class SeededRandom {
  #state: number

  constructor(seed: number, stream = '') {
    let mixed = seed >>> 0
    for (const char of stream) mixed = Math.imul(mixed ^ (char.codePointAt(0) ?? 0), 0x01000193) >>> 0
    this.#state = mixed
  }

  /** The next number: 32 bits of a mulberry32 generator. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }

  /** A number from `low` up to, not including, `high`. */
  between(low: number, high: number): number {
    return low + this.next() * (high - low)
  }

  /** A whole number from `low` to `high`, both included. */
  integer(low: number, high: number): number {
    return Math.floor(this.between(low, high + 1))
  }

  /** One of these; throws when there is none. */
  pick<T>(all: readonly T[]): T {
    const picked = all[Math.floor(this.next() * all.length)]
    if (picked === undefined) throw new RangeError('nothing to pick from')
    return picked
  }

  /** These in another order. */
  shuffled<T>(all: readonly T[]): T[] {
    const mixed = [...all]
    for (let at = mixed.length - 1; at > 0; at -= 1) {
      const other = this.integer(0, at)
      const [a, b] = [mixed[at], mixed[other]]
      if (a !== undefined && b !== undefined) [mixed[at], mixed[other]] = [b, a]
    }
    return mixed
  }
}
