// What passes between a client and Kafka, as far as it takes to tell which answer belongs to which request, and whether that
// request has written. Clients go where the brokers' metadata say, so the addresses in it are replaced on the way.

import type { Answer } from './reply-loss-redis.ts'

interface Request {
  readonly apiKey: number
  readonly version: number
}

const METADATA = 3
/** Requests that write: their names, and how many bytes of a partition's answer stand before its error code. */
const WRITES: ReadonlyMap<
  number,
  { readonly name: string; readonly beforeError: number; readonly throttledFrom: number }
> = new Map([
  [0, { name: 'Produce', beforeError: 4, throttledFrom: Infinity }],
  [8, { name: 'OffsetCommit', beforeError: 4, throttledFrom: 3 }],
  [21, { name: 'DeleteRecords', beforeError: 12, throttledFrom: 0 }],
])

/** Gives the port by way of which a broker is to be reached. */
export type Door = (host: string, port: number) => Promise<number>

/** One connection to a broker, watched. */
export class KafkaDialogue {
  readonly #asked = new Map<number, Request>()
  readonly #door: Door
  #fromClient: Buffer = Buffer.alloc(0)
  #fromServer: Buffer = Buffer.alloc(0)

  constructor(door: Door) {
    this.#door = door
  }

  /** Bytes on their way to the broker. */
  onRequest(bytes: Buffer): void {
    const { frames, rest } = framesIn(Buffer.concat([this.#fromClient, bytes]))
    this.#fromClient = rest
    for (const frame of frames) {
      this.#asked.set(frame.readInt32BE(8), { apiKey: frame.readInt16BE(4), version: frame.readInt16BE(6) })
    }
  }

  /** Bytes on their way to the client; gives the answers that are complete with them, as the client is to see them. */
  async onAnswer(bytes: Buffer): Promise<Answer[]> {
    const { frames, rest } = framesIn(Buffer.concat([this.#fromServer, bytes]))
    this.#fromServer = rest
    const answers: Answer[] = []
    for (const frame of frames) {
      const correlation = frame.readInt32BE(4)
      const asked = this.#asked.get(correlation)
      this.#asked.delete(correlation)
      const isMetadata = asked?.apiKey === METADATA
      answers.push({
        bytes: isMetadata ? await redirected(frame, asked.version, this.#door) : frame,
        written: asked === undefined ? null : writeIn(asked, frame),
      })
    }
    return answers
  }
}

/** Splits off the frames that are complete, their lengths included. */
function framesIn(buffer: Buffer): { readonly frames: Buffer[]; readonly rest: Buffer } {
  const frames: Buffer[] = []
  let at = 0
  while (buffer.length - at >= 4) {
    const end = at + 4 + buffer.readInt32BE(at)
    if (end > buffer.length) break
    frames.push(buffer.subarray(at, end))
    at = end
  }
  return { frames, rest: buffer.subarray(at) }
}

/** The name of the write that a request was, when its first partition was written without an error. */
function writeIn({ apiKey, version }: Request, answer: Buffer): string | null {
  const write = WRITES.get(apiKey)
  if (write === undefined) return null
  const topics = 8 + (version >= write.throttledFrom ? 4 : 0)
  if (answer.readInt32BE(topics) === 0) return null
  const partition = topics + 4 + 2 + answer.readInt16BE(topics + 4) + 4
  return answer.readInt16BE(partition + write.beforeError) === 0 ? write.name : null
}

/** A Metadata answer in which every broker has a door's address. */
async function redirected(frame: Buffer, version: number, door: Door): Promise<Buffer> {
  let at = 8 + (version >= 3 ? 4 : 0)
  const parts = [frame.subarray(4, at + 4)]
  const count = frame.readInt32BE(at)
  at += 4
  for (let nth = 0; nth < count; nth++) {
    const hostAt = at + 4
    const portAt = hostAt + 2 + frame.readInt16BE(hostAt)
    const port = await door(frame.toString('utf8', hostAt + 2, portAt), frame.readInt32BE(portAt))
    parts.push(frame.subarray(at, hostAt), text('127.0.0.1'), int32(port))
    at = portAt + 4
    if (version < 1) continue
    const rackEnd = at + 2 + Math.max(0, frame.readInt16BE(at))
    parts.push(frame.subarray(at, rackEnd))
    at = rackEnd
  }
  parts.push(frame.subarray(at))
  const body = Buffer.concat(parts)
  return Buffer.concat([int32(body.length), body])
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  const length = Buffer.alloc(2)
  length.writeInt16BE(bytes.length)
  return Buffer.concat([length, bytes])
}
