// A binary heap that also finds its items: an activity that is cancelled, renewed or forgotten leaves at once, in
// O(log n), so nothing stale is kept and every count is exact.

/** Items in order of a comparison. An item is in it at most once, and must not change its rank while it is. */
export class Heap<T extends object> {
  readonly #items: T[] = []
  readonly #places = new Map<T, number>()
  readonly #compare: (a: T, b: T) => number

  /** `compare`: negative when `a` comes first; 0 never for two different items if the order is to be stable. */
  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare
  }

  get size(): number {
    return this.#items.length
  }

  /** The first item; it stays. */
  peek(): T | undefined {
    return this.#items[0]
  }

  /** Takes the first item out. */
  pop(): T | undefined {
    const first = this.#items[0]
    if (first !== undefined) this.delete(first)
    return first
  }

  /** Adds an item that is not in it. */
  push(item: T): void {
    this.#items.push(item)
    this.#up(item, this.#items.length - 1)
  }

  /** Takes an item out; false when it was not in it. */
  delete(item: T): boolean {
    const at = this.#places.get(item)
    if (at === undefined) return false
    this.#places.delete(item)
    const last = this.#items.pop()
    if (last === undefined || last === item) return true
    this.#up(last, at)
    this.#down(last, this.#places.get(last) ?? at)
    return true
  }

  #put(item: T, at: number): void {
    this.#items[at] = item
    this.#places.set(item, at)
  }

  #up(item: T, from: number): void {
    let at = from
    while (at > 0) {
      const above = (at - 1) >> 1
      const parent = this.#items[above]
      if (parent === undefined || this.#compare(item, parent) >= 0) break
      this.#put(parent, at)
      at = above
    }
    this.#put(item, at)
  }

  #down(item: T, from: number): void {
    let at = from
    for (;;) {
      const left = this.#items[at * 2 + 1]
      const right = this.#items[at * 2 + 2]
      if (left === undefined) break
      const isRight = right !== undefined && this.#compare(right, left) < 0
      const child = isRight ? right : left
      if (this.#compare(item, child) <= 0) break
      this.#put(child, at)
      at = at * 2 + (isRight ? 2 : 1)
    }
    this.#put(item, at)
  }
}
