// A dump of topics as a file, one JSON line an entry, so that it is written as it is read and can be judged again later:
//
//   { "kind": "dump", "client" }                    first
//   { "kind": "record", … }                         as many as there are
//   { "kind": "partition", … }                      what was there, and how far it was read
//   { "kind": "end", "records", "partitions" }      last: without it the dump was cut off, and is refused

import { createReadStream } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { open } from 'node:fs/promises'
import { createInterface } from 'node:readline'

import { ErrandError } from '../../../src/core/errors.ts'
import type { DumpedRecord, TopicDump } from '../evidence.ts'

/** A partition, as the dump found it. */
export type DumpedPartition = TopicDump['partitions'][number]

type DumpLine =
  | { readonly kind: 'dump'; readonly client: string }
  | ({ readonly kind: 'record' } & DumpedRecord)
  | ({ readonly kind: 'partition' } & DumpedPartition)
  | { readonly kind: 'end'; readonly records: number; readonly partitions: number }

/** Lines are written together once they are so many characters. */
const FLUSH_CHARS = 1 << 20

/** Writes a dump, line by line. */
export class DumpWriter {
  readonly #file: FileHandle
  #waiting = ''
  #records = 0
  #partitions = 0

  static async create(path: string, client: string): Promise<DumpWriter> {
    const writer = new DumpWriter(await open(path, 'w'))
    await writer.#line({ kind: 'dump', client })
    return writer
  }

  private constructor(file: FileHandle) {
    this.#file = file
  }

  async record(record: DumpedRecord): Promise<void> {
    this.#records += 1
    await this.#line({ kind: 'record', ...record })
  }

  async partition(partition: DumpedPartition): Promise<void> {
    this.#partitions += 1
    await this.#line({ kind: 'partition', ...partition })
  }

  /** Says that nothing is missing. */
  async end(): Promise<void> {
    await this.#line({ kind: 'end', records: this.#records, partitions: this.#partitions })
    await this.#flush()
  }

  async close(): Promise<void> {
    await this.#file.close()
  }

  async #line(line: DumpLine): Promise<void> {
    this.#waiting += `${JSON.stringify(line)}\n`
    if (this.#waiting.length >= FLUSH_CHARS) await this.#flush()
  }

  async #flush(): Promise<void> {
    await this.#file.appendFile(this.#waiting)
    this.#waiting = ''
  }
}

/** Reads a dump that {@link DumpWriter} has written. Throws `serialization` when it was cut off. */
export async function readTopicDump(path: string): Promise<TopicDump> {
  const records: DumpedRecord[] = []
  const partitions: DumpedPartition[] = []
  let client = ''
  let end: Extract<DumpLine, { kind: 'end' }> | undefined
  for await (const text of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    const line = JSON.parse(text) as DumpLine
    switch (line.kind) {
      case 'dump':
        client = line.client
        break
      case 'record':
        records.push(recordOf(line))
        break
      case 'partition':
        partitions.push(partitionOf(line))
        break
      case 'end':
        end = line
    }
  }
  if (end?.records !== records.length || end.partitions !== partitions.length) {
    throw new ErrandError(
      'serialization',
      `the dump ${path} was cut off: ${records.length} records, end ${end?.records}`,
    )
  }
  return { client, records, partitions }
}

function recordOf({ topic, partition, offset, key, value, headers }: DumpedRecord): DumpedRecord {
  return { topic, partition, offset, key, value, headers }
}

function partitionOf({ topic, partition, low, high, committed, readTo }: DumpedPartition): DumpedPartition {
  return { topic, partition, low, high, committed, readTo }
}
