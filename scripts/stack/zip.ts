// Takes one file out of a zip archive. A jar is one, and neither `unzip` nor `jar` is on every machine.

import { inflateRawSync } from 'node:zlib'
import { StackError } from './stack-error.ts'

const END_OF_DIRECTORY = 0x06054b50
const DIRECTORY_ENTRY = 0x02014b50

/** The content of the entry with this name. Enough for jars: no zip64, stored or deflated only. */
export function readZipEntry(archive: Buffer, name: string): Buffer {
  for (const entry of entriesOf(archive)) {
    if (entry.name === name) return contentOf(archive, entry)
  }
  throw new StackError(`the archive has no entry ${name}`)
}

interface Entry {
  readonly name: string
  readonly method: number
  readonly packedBytes: number
  readonly headerAt: number
}

/** Entry: 46 bytes, of which 10 method, 20 packed size, 28 30 32 lengths of name, extra, comment, 42 where its data is. */
function* entriesOf(archive: Buffer): Generator<Entry> {
  let at = archive.readUInt32LE(endOfDirectory(archive) + 16)
  while (archive.readUInt32LE(at) === DIRECTORY_ENTRY) {
    const nameBytes = archive.readUInt16LE(at + 28)
    yield {
      name: archive.toString('utf8', at + 46, at + 46 + nameBytes),
      method: archive.readUInt16LE(at + 10),
      packedBytes: archive.readUInt32LE(at + 20),
      headerAt: archive.readUInt32LE(at + 42),
    }
    at += 46 + nameBytes + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32)
  }
}

/** The end record is 22 bytes and a comment; so it is looked for from the end. */
function endOfDirectory(archive: Buffer): number {
  for (let at = archive.length - 22; at >= 0; at -= 1) {
    if (archive.readUInt32LE(at) === END_OF_DIRECTORY) return at
  }
  throw new StackError('the file is not a zip archive')
}

/** Local header: 30 bytes, name, extra (another length than in the directory), then the data. */
function contentOf(archive: Buffer, entry: Entry): Buffer {
  const start =
    entry.headerAt + 30 + archive.readUInt16LE(entry.headerAt + 26) + archive.readUInt16LE(entry.headerAt + 28)
  const packed = archive.subarray(start, start + entry.packedBytes)
  return entry.method === 0 ? packed : inflateRawSync(packed)
}
