// The sockets of a kafkajs client, to be closed with it. kafkajs loses sight of some: of a connection that opens while the
// client is being closed, of brokers that were exchanged meanwhile. One of them is enough to keep a process alive for ever,
// and a member of a group that nobody knows of.

import { connect, isIP } from 'node:net'
import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { ISocketFactory, ISocketFactoryArgs } from 'kafkajs'

const KEEP_ALIVE_MS = 60_000

/** Makes the sockets of one client, and closes them. */
export class KafkaSockets {
  readonly #open = new Set<Socket>()
  #isClosed = false

  readonly factory: ISocketFactory = given => {
    const socket = opened(given)
    socket.setKeepAlive(true, KEEP_ALIVE_MS)
    if (this.#isClosed) socket.destroy(closedError())
    else {
      this.#open.add(socket)
      socket.once('close', () => this.#open.delete(socket))
    }
    return socket
  }

  /** Closes what is still open, and whatever the client opens from now on. To be called when it has had its time to close. */
  close(): void {
    this.#isClosed = true
    for (const socket of this.#open) {
      if (socket.writableEnded) socket.destroy()
      else socket.destroy(closedError()) // told, so that whoever waits for an answer does not wait on
    }
  }
}

function opened({ host, port, ssl, onConnect }: ISocketFactoryArgs): Socket {
  if (!ssl) return connect({ host, port }, onConnect)
  const servername = isIP(host) === 0 ? { servername: host } : {}
  return connectTls({ host, port, ...servername, ...ssl }, onConnect)
}

function closedError(): Error {
  return new Error('the Kafka client was closed')
}
