// A way to Kafka and to Redis on which one answer gets lost: it passes everything on, until it is told to lose the answer to
// the next write of a kind. Then it waits for the server's answer to it, which proves that the write was carried out, keeps
// that answer to itself, and cuts the connection.

import { once } from 'node:events'
import type { AddressInfo, Server, Socket } from 'node:net'
import { connect, createServer } from 'node:net'
import { ErrandError, invariant } from '../../src/core/errors.ts'
import { KafkaDialogue } from './reply-loss-kafka.ts'
import type { Answer } from './reply-loss-redis.ts'
import { RedisDialogue } from './reply-loss-redis.ts'

/** Which write's answer: any write to Redis, or this one of Kafka's. */
export type WriteKind = 'Redis' | 'Produce' | 'OffsetCommit' | 'DeleteRecords'

/** The answer that was lost. */
export interface LostReply {
  /** Which write it answered: a script, a command or a request. */
  readonly write: string
  readonly bytes: number
}

interface Dialogue {
  onRequest(bytes: Buffer): void
  onAnswer(bytes: Buffer): Answer[] | Promise<Answer[]>
}

interface Loss {
  readonly kind: WriteKind
  readonly onLost: (lost: LostReply) => void
}

/** Proxies in front of the brokers and of Redis. */
export class ReplyLoss {
  readonly #servers: Server[] = []
  readonly #sockets = new Set<Socket>()
  readonly #doors = new Map<string, Promise<number>>()
  #brokers: readonly string[] = []
  #redisUrl = ''
  #loss: Loss | undefined

  /** Opens doors in front of these. */
  static async open(to: { readonly brokers: readonly string[]; readonly redisUrl: string }): Promise<ReplyLoss> {
    const proxy = new ReplyLoss()
    const brokers = to.brokers.map(async address => {
      const colon = address.lastIndexOf(':')
      return `127.0.0.1:${await proxy.#kafkaDoor(address.slice(0, colon), Number(address.slice(colon + 1)))}`
    })
    proxy.#brokers = await Promise.all(brokers)
    const url = new URL(to.redisUrl)
    const port = await proxy.#listen(url.hostname, Number(url.port || 6_379), () => new RedisDialogue())
    url.hostname = '127.0.0.1'
    url.port = String(port)
    proxy.#redisUrl = url.href
    return proxy
  }

  /** Where clients find the brokers. */
  get brokers(): readonly string[] {
    return this.#brokers
  }

  /** Where clients find Redis. */
  get redisUrl(): string {
    return this.#redisUrl
  }

  /** Loses the answer to the next write of this kind that is carried out. Called with what was lost, once. */
  loseNext(kind: WriteKind, onLost: (lost: LostReply) => void): void {
    invariant(this.#loss === undefined, 'an answer is to be lost already')
    this.#loss = { kind, onLost }
  }

  /** Loses nothing any more. */
  spare(): void {
    this.#loss = undefined
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await Promise.all(this.#servers.map(server => new Promise(resolve => server.close(resolve))))
  }

  #kafkaDoor(host: string, port: number): Promise<number> {
    const address = `${host}:${port}`
    const door = this.#doors.get(address) ?? this.#listen(host, port, () => this.#kafkaDialogue())
    this.#doors.set(address, door)
    return door
  }

  #kafkaDialogue(): Dialogue {
    return new KafkaDialogue((host, port) => this.#kafkaDoor(host, port))
  }

  async #listen(host: string, port: number, dialogue: () => Dialogue): Promise<number> {
    const server = createServer({ noDelay: true }, client => this.#passOn(client, host, port, dialogue()))
    this.#servers.push(server)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }

  #passOn(client: Socket, host: string, port: number, dialogue: Dialogue): void {
    const server = connect({ host, port, noDelay: true })
    const cut = (): void => {
      client.destroy()
      server.destroy()
    }
    for (const socket of [client, server]) {
      this.#sockets.add(socket)
      socket.on('error', cut) // the other side hears of it by its own connection
      socket.on('close', () => {
        this.#sockets.delete(socket)
        cut()
      })
    }
    client.on('data', bytes => {
      dialogue.onRequest(bytes)
      server.write(bytes)
    })
    let passing: Promise<void> = Promise.resolve()
    server.on('data', bytes => {
      passing = passing
        .then(async () => this.#answer(client, await dialogue.onAnswer(bytes), cut))
        .catch((error: unknown) => {
          cut()
          throw new ErrandError('internal', 'an answer could not be passed on', { cause: error })
        })
    })
  }

  #answer(client: Socket, answers: readonly Answer[], cut: () => void): void {
    for (const { bytes, written } of answers) {
      if (client.destroyed) return
      if (written !== null && this.#loss !== undefined && isOfKind(written, this.#loss.kind)) {
        const { onLost } = this.#loss
        this.#loss = undefined
        cut()
        onLost({ write: written, bytes: bytes.length })
        return
      }
      client.write(bytes)
    }
  }
}

const KAFKA_WRITES: ReadonlySet<string> = new Set(['Produce', 'OffsetCommit', 'DeleteRecords'])

function isOfKind(written: string, kind: WriteKind): boolean {
  return kind === 'Redis' ? !KAFKA_WRITES.has(written) : written === kind
}
