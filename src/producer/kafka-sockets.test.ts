import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { createServer } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { KafkaSockets } from './kafka-sockets.ts'

const server = createServer(socket => socket.on('error', () => undefined))
let sockets: KafkaSockets

beforeEach(async () => {
  sockets = new KafkaSockets()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterEach(async () => {
  sockets.close()
  server.close()
  await once(server, 'close') // only once no connection is left
})

/** As kafkajs asks for one without TLS. */
function open(onConnect: () => void = () => undefined): Socket {
  const { port } = server.address() as AddressInfo
  // @ts-expect-error kafkajs's types say that `ssl` is always there
  return sockets.factory({ host: '127.0.0.1', port, ssl: undefined, onConnect })
}

test('closing ends every socket, and says so to whoever waits for an answer', async () => {
  const opened = await Promise.all(
    [1, 2].map(
      () =>
        new Promise<Socket>(resolve => {
          const socket: Socket = open(() => resolve(socket))
        }),
    ),
  )
  const errors = opened.map(socket => once(socket, 'error'))
  sockets.close()
  for (const [error] of (await Promise.all(errors)) as [Error][])
    expect(error.message).toBe('the Kafka client was closed')
  expect(opened.every(({ destroyed }) => destroyed)).toBe(true)
})

test('one that was ended in order is closed without an error', async () => {
  const socket = await new Promise<Socket>(resolve => {
    const made: Socket = open(() => resolve(made))
  })
  socket.end()
  const closed = once(socket, 'close')
  sockets.close()
  await closed
  expect(socket.errored).toBeNull()
})

test('what is opened after the closing does not stay open', async () => {
  sockets.close()
  const socket = open()
  const [error] = (await once(socket, 'error')) as [Error]
  expect(error.message).toBe('the Kafka client was closed')
  expect(socket.destroyed).toBe(true)
})
