// How many handlers may run at once, and who waits for a place.

/** A number of places that are taken and given back. */
export class Slots {
  readonly limit: number
  #taken = 0

  constructor(limit: number) {
    this.limit = limit
  }

  get free(): number {
    return this.limit - this.#taken
  }

  get taken(): number {
    return this.#taken
  }

  take(): void {
    this.#taken += 1
  }

  give(): void {
    this.#taken -= 1
  }
}
