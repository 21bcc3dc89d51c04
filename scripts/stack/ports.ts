// Ports that stay ours across a restart.

import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { StackError } from './stack-error.ts'
import { pause } from './wait.ts'

/** A range of ports, both ends included. */
export interface PortRange {
  readonly from: number
  readonly to: number
}

/**
 * Picks that many different free ports of 127.0.0.1. They lie below the range from which the system serves outgoing
 * connections: a client that keeps trying a killed broker's port could otherwise be given that very port for its own
 * end, reach itself, and keep the broker from coming back.
 */
export async function choosePorts(count: number, range: PortRange = stableRange()): Promise<number[]> {
  const held: Server[] = []
  try {
    // All are held until the last is found, so that none is found twice.
    for (let tries = 0; held.length < count; tries += 1) {
      if (tries > 1_000) throw new StackError(`no free port on 127.0.0.1 between ${range.from} and ${range.to}`)
      const server = await hold(range.from + Math.floor(Math.random() * (range.to - range.from + 1)))
      if (server !== undefined) held.push(server)
    }
    return held.map(portOf)
  } finally {
    await Promise.all(held.map(close))
  }
}

/** Whether nobody listens on this port of 127.0.0.1. */
export async function isPortFree(port: number): Promise<boolean> {
  const server = await hold(port)
  if (server === undefined) return false
  await close(server)
  return true
}

/** The same, asked for a while: what was just killed is gone as a process a little before its port is free. */
export async function becomesFree(port: number, deadlineMs = 2_000): Promise<boolean> {
  const deadline = performance.now() + deadlineMs
  while (!(await isPortFree(port))) {
    if (performance.now() > deadline) return false
    await pause(10)
  }
  return true
}

/** The 12,000 ports below the system's range for outgoing connections; any port (0) where that leaves no room. */
export function stableRange(systemRange: string = readSystemRange()): PortRange {
  const first = Number.parseInt(systemRange, 10)
  const to = (first > 0 ? first : 32_768) - 1
  return to < 22_000 ? { from: 0, to: 0 } : { from: to - 11_999, to }
}

function readSystemRange(): string {
  try {
    return readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8')
  } catch {
    return '' // not Linux: 49152 and up are usual there, so Linux's default is low enough
  }
}

function hold(port: number): Promise<Server | undefined> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => resolve(server))
  })
}

function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new StackError('a listening server has no port')
  return address.port
}

function close(server: Server): Promise<void> {
  return new Promise(resolve => server.close(() => resolve()))
}
