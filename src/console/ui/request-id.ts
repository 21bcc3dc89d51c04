// Ids for requests that change something: UUIDv7, which the server may take as the id of what it makes. `crypto.randomUUID` is
// missing on plain HTTP, and makes another version.

/** A new one. */
export function newRequestId(nowMs: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(10))
  const random = [...bytes].map(byte => byte.toString(16).padStart(2, '0')).join('')
  const time = Math.max(0, Math.floor(nowMs)).toString(16).padStart(12, '0')
  const variant = ((Number.parseInt(random.slice(3, 4), 16) & 3) | 8).toString(16)
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(0, 3)}-${variant}${random.slice(4, 7)}-${random.slice(7, 19)}`
}

/** One id for each content: the same act asked for again, as by a second click, is the same request. */
export class RequestIds {
  readonly #ids = new Map<string, string>()

  /** The id of this content. */
  of(content: string): string {
    const known = this.#ids.get(content) ?? newRequestId(Date.now())
    this.#ids.set(content, known)
    return known
  }
}
