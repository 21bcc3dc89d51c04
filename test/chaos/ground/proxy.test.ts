// The proxy on real sockets: what it passes on is what came, in its order; and each way of misbehaving is what it says.

import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { connect, createServer } from 'node:net'
import { expect, test } from 'vitest'
import { waitUntil } from '../../../scripts/stack/wait.ts'
import { HELD_BYTES_MAX } from './pipe.ts'
import { openProxy } from './proxy.ts'

/** A server behind a proxy. It answers every chunk with the same bytes, unless it is given something else to do. */
async function setup(serve: (socket: Socket) => void = echo) {
  const received: Buffer[] = []
  const served: Socket[] = []
  const server = createServer({ allowHalfOpen: true }, socket => {
    served.push(socket)
    socket.on('error', () => undefined) // cut by the test
    socket.on('data', (chunk: Buffer) => received.push(chunk))
    serve(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxy = await openProxy({ target: { host: '127.0.0.1', port: (server.address() as AddressInfo).port } })
  const clients: Socket[] = []
  return {
    ...{ proxy, served },
    received: () => Buffer.concat(received).toString(),
    client: async (): Promise<Client> => {
      const client = new Client(connect({ port: proxy.port, host: '127.0.0.1' }))
      clients.push(client.socket)
      await until(() => client.socket.readyState === 'open' || client.error !== undefined, 'a connection')
      return client
    },
    async [Symbol.asyncDispose]() {
      await proxy.close()
      for (const socket of [...clients, ...served]) socket.destroy()
      server.close()
    },
  }
}

function echo(socket: Socket): void {
  socket.pipe(socket)
}

class Client {
  readonly socket: Socket
  text = ''
  error: string | undefined
  isEnded = false

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) => (this.text += chunk.toString('latin1')))
    socket.on('error', (error: NodeJS.ErrnoException) => (this.error = error.code))
    socket.on('end', () => (this.isEnded = true))
  }

  send(text: string): void {
    this.socket.write(text)
  }

  hears(text: string): Promise<void> {
    return until(() => this.text === text, `${JSON.stringify(text)}; heard ${JSON.stringify(this.text.slice(0, 200))}`)
  }

  isReset(): Promise<void> {
    return until(() => this.error === 'ECONNRESET', `a reset; the error is ${this.error}`)
  }
}

function until(holds: () => boolean, what: string): Promise<void> {
  return waitUntil(holds, { what, deadlineMs: 5_000, intervalMs: 5 })
}

test('what is sent arrives whole and in order, both ways, and is counted', async () => {
  await using context = await setup()
  const client = await context.client()
  const text = Array.from({ length: 200_000 }, (_, n) => `${n},`).join('')
  client.send(text)
  await client.hears(text)
  expect(context.received()).toBe(text)
  expect(context.proxy.counters).toMatchObject({ up: text.length, down: text.length, connections: 1, cuts: 0 })
})

test('an end is passed on behind what was sent before it, and the other direction goes on', async () => {
  await using context = await setup(socket => {
    socket.on('end', () => socket.end('last'))
  })
  const client = await context.client()
  client.socket.end('first')
  await client.hears('last')
  await until(() => client.isEnded && context.proxy.open === 0, 'the connection to end')
  expect(context.received()).toBe('first')
})

test('a cut resets clients and servers, and says how many connections there were', async () => {
  await using context = await setup()
  const clients = [await context.client(), await context.client()]
  for (const client of clients) client.send('x')
  await Promise.all(clients.map(client => client.hears('x')))
  expect(context.proxy.cut()).toBe(2)
  await Promise.all(clients.map(client => client.isReset()))
  await until(() => context.served.every(socket => socket.destroyed), 'the servers to be cut too')
  expect(context.proxy.cut()).toBe(0)
  expect(context.proxy).toMatchObject({ open: 0, counters: { cuts: 2 } })
})

test('while it refuses, new connections are reset and old ones go on', async () => {
  await using context = await setup()
  const old = await context.client()
  old.send('1')
  await old.hears('1')
  context.proxy.refuse(true)
  const refused = await context.client()
  await refused.isReset()
  old.send('2')
  await old.hears('12')
  context.proxy.refuse(false)
  const again = await context.client()
  again.send('3')
  await again.hears('3')
  expect(context.proxy.counters).toMatchObject({ refused: 1, connections: 2, cuts: 0 })
})

test('while it stalls, bytes are held in both directions, and come later in their order', async () => {
  await using context = await setup()
  const client = await context.client()
  client.send('1')
  await client.hears('1')
  context.proxy.stall(true)
  client.send('2')
  context.served[0]?.write('up')
  await until(() => context.proxy.counters.held === 3, 'three bytes to be held')
  expect([client.text, context.received()]).toEqual(['1', '1'])
  client.send('3')
  context.proxy.stall(false)
  await client.hears('1up23')
  expect(context.received()).toBe('123')
})

test('what is held is bounded: a sender that does not stop has to wait', async () => {
  await using context = await setup()
  const client = await context.client()
  client.send('1')
  await client.hears('1')
  context.proxy.stall(true)
  const text = 'x'.repeat(16 * HELD_BYTES_MAX)
  client.send(text)
  await until(() => context.proxy.counters.held > HELD_BYTES_MAX, 'more to be held than is allowed')
  // What a socket still delivers once it is paused is what it had read already.
  expect(context.proxy.counters.held).toBeLessThan(HELD_BYTES_MAX + 262_144)
  expect(client.socket.writableLength).toBeGreaterThan(0)
  context.proxy.stall(false)
  await client.hears(`1${text}`)
})

test('while it is slow, every chunk is late by about so much, and none overtakes another', async () => {
  await using context = await setup()
  const client = await context.client()
  const draws = [1, 0, 0, 1, 0, 0, 0, 0].values()
  context.proxy.delay({ ms: 60, jitterMs: 40, random: { next: () => draws.next().value ?? 0 } })
  const startedMs = performance.now()
  client.send('1')
  await until(() => context.proxy.counters.delayed === 1, 'the first to be late')
  client.send('2') // drawn sooner than the first, which it must not overtake
  await client.hears('12')
  expect(performance.now() - startedMs).toBeGreaterThan(100)
  context.proxy.delay(null)
  client.send('3')
  await client.hears('123')
})

test('a lost answer: the request has arrived, its answer does not come, and the connection is cut', async () => {
  await using context = await setup()
  const client = await context.client()
  context.proxy.dropAnswers({ wants: request => request.includes('write'), afterReplies: () => 1 })
  client.send('read')
  await client.hears('read')
  client.send('write 1')
  await client.hears('readwrite 1')
  client.send('write 2')
  await client.isReset()
  expect(client.text).toBe('readwrite 1')
  expect(context.received()).toBe('readwrite 1write 2')
  expect(context.proxy.counters).toMatchObject({ dropped: 7, cuts: 1 })
  context.proxy.dropAnswers(null)
  const again = await context.client()
  again.send('write 3')
  await again.hears('write 3')
})

test('of a long answer so many bytes are swallowed before the cut, all of them after the first', async () => {
  await using context = await setup(socket => {
    socket.on('data', () => socket.write('answer '))
  })
  const client = await context.client()
  context.proxy.dropAnswers({ nextBytes: 8 })
  client.send('a')
  await until(() => context.proxy.counters.dropped === 7, 'the first answer to be swallowed')
  expect(client.error).toBeUndefined()
  client.send('b')
  await client.isReset()
  expect(client.text).toBe('')
  expect(context.proxy.counters).toMatchObject({ dropped: 14, cuts: 1 })
})

test('a server that cannot be reached resets the client, and one that goes takes its clients with it', async () => {
  await using context = await setup()
  const client = await context.client()
  client.send('x')
  await client.hears('x')
  context.served[0]?.resetAndDestroy()
  await client.isReset()
  await using orphan = await setup()
  const proxy = await openProxy({ target: { host: '127.0.0.1', port: orphan.proxy.port } })
  await orphan.proxy.close()
  const late = new Client(connect({ port: proxy.port, host: '127.0.0.1' }))
  await late.isReset()
  await until(() => proxy.open === 0, 'nothing to be left of it')
  await proxy.close()
})
