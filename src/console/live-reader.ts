// One who reads the live stream: what is sent to him, and what waits while he is slow. What waits is bounded; beyond that he gets a
// gap in its place, which makes his page look anew.

import { CONSOLE_LIMITS } from '../core/limits.ts'

/** Which events he wants. */
export interface LiveFilter {
  readonly id?: string | undefined
  readonly type?: string | undefined
}

/** What {@link LiveReader} needs. */
export interface LiveReaderParts {
  readonly address: string | null
  readonly filter: LiveFilter
  readonly openedMs: number
  /** The bytes of a gap, made when one is needed. */
  readonly gap: () => Uint8Array
  readonly onGone: (reader: LiveReader) => void
}

/** Bytes that the stream itself holds before it counts as slow. */
const STREAM_BYTES = 16 * 1_024

/** One reader. */
export class LiveReader {
  readonly address: string | null
  readonly openedMs: number
  readonly stream: ReadableStream<Uint8Array>
  readonly #parts: LiveReaderParts
  #waiting: Uint8Array[] = []
  #waitingBytes = 0
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null

  constructor(parts: LiveReaderParts) {
    this.#parts = parts
    this.address = parts.address
    this.openedMs = parts.openedMs
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: controller => {
          this.#controller = controller
        },
        pull: () => this.#flush(),
        cancel: () => this.#gone(),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: STREAM_BYTES }),
    )
  }

  /** True when he wants the event. */
  wants({ id, activityType }: { readonly id: string; readonly activityType: string }): boolean {
    const { filter } = this.#parts
    return (filter.id === undefined || filter.id === id) && (filter.type === undefined || filter.type === activityType)
  }

  /** Sends, or lets wait. */
  send(bytes: Uint8Array): void {
    if (this.#controller === null) return
    this.#waiting.push(bytes)
    this.#waitingBytes += bytes.byteLength
    this.#flush()
    if (this.#waitingBytes <= CONSOLE_LIMITS.streamBufferBytesMax) return
    const gap = this.#parts.gap()
    this.#waiting = [gap]
    this.#waitingBytes = gap.byteLength
  }

  /** Ends the stream; what waits is dropped. */
  end(): void {
    const controller = this.#controller
    this.#gone()
    controller?.close()
  }

  #flush(): void {
    while (this.#controller !== null && (this.#controller.desiredSize ?? 0) > 0) {
      const bytes = this.#waiting.shift()
      if (bytes === undefined) return
      this.#waitingBytes -= bytes.byteLength
      this.#controller.enqueue(bytes)
    }
  }

  #gone(): void {
    if (this.#controller === null) return
    this.#controller = null
    this.#waiting = []
    this.#waitingBytes = 0
    this.#parts.onGone(this)
  }
}
