// Takes waiting records, oldest first, until a request is full: by records, by bytes, or by the bytes of one partition,
// whose records travel as one batch that the broker limits.

import { PRODUCER_LIMITS } from '../core/limits.ts'
import type { Part } from './coverage.ts'
import type { Entry } from './write-call.ts'

interface GrowingPart extends Part {
  bytes: number
}

/** One request in the making. */
export class RequestBuilder {
  readonly #topics = new Map<string, Map<number, GrowingPart>>()
  readonly #parts: GrowingPart[] = []
  #records = 0
  #bytes = 0

  /** Takes the record, or says that the request is full without it. A record above all bounds gets a request of its own. */
  tryAdd(entry: Entry): boolean {
    if (this.#records > 0 && !this.#hasRoomFor(entry)) return false
    const part = this.#partOf(entry)
    if (part.entries.length > 0 && part.bytes + entry.bytes > PRODUCER_LIMITS.partitionBatchBytesMax) return false
    part.entries.push(entry)
    part.bytes += entry.bytes
    this.#records++
    this.#bytes += entry.bytes
    return true
  }

  /** The request's parts, one per partition. */
  parts(): readonly Part[] {
    return this.#parts
  }

  #hasRoomFor(entry: Entry): boolean {
    return (
      this.#records < PRODUCER_LIMITS.requestRecordsMax &&
      this.#bytes + entry.bytes <= PRODUCER_LIMITS.requestBytesMax &&
      // Too large for any batch: the broker decides, and nobody else's records are in the request that it may refuse.
      entry.bytes <= PRODUCER_LIMITS.partitionBatchBytesMax &&
      this.#bytesOfFirst() <= PRODUCER_LIMITS.partitionBatchBytesMax
    )
  }

  #bytesOfFirst(): number {
    return this.#parts[0]?.bytes ?? 0
  }

  #partOf(entry: Entry): GrowingPart {
    let partitions = this.#topics.get(entry.topic)
    if (partitions === undefined) this.#topics.set(entry.topic, (partitions = new Map()))
    let part = partitions.get(entry.partition)
    if (part === undefined) {
      part = { topic: entry.topic, partition: entry.partition, entries: [], bytes: 0 }
      partitions.set(entry.partition, part)
      this.#parts.push(part)
    }
    return part
  }
}
