// A private stack whose clients come by way of proxies: one before each broker, one before Redis. Brokers reach each other
// past the proxies, and so does whoever administers or reads everything.

import type { PrivateStack, PrivateStackOptions } from '../../../scripts/stack/private-stack.ts'
import { openPrivateStack } from '../../../scripts/stack/private-stack.ts'
import type { Proxy } from './proxy.ts'
import { openProxy } from './proxy.ts'

/** A {@link PrivateStack} whose `kafkaBrokers` and `redisUrl` are those of proxies. */
export interface ProxiedStack extends PrivateStack {
  /** The servers themselves, for what must not be hit by a fault of the network. */
  readonly direct: { readonly kafkaBrokers: readonly string[]; readonly redisUrl: string }
  /** The proxy before each broker, by the broker's id. */
  readonly kafkaProxies: ReadonlyMap<number, Proxy>
  readonly redisProxy: Proxy
}

/**
 * Starts servers and the proxies before them, for one broker or three: as long as {@link openPrivateStack} takes. Addresses
 * stay the same through every restart. `await using` ends all of it.
 */
export async function openProxiedStack(
  options: Omit<PrivateStackOptions, 'hasClientDoors'> = {},
): Promise<ProxiedStack> {
  const servers = await openPrivateStack({ ...options, hasClientDoors: true })
  const opened: Proxy[] = []
  const open = async (from: number, to: number): Promise<Proxy> => {
    const proxy = await openProxy({ port: from, target: { host: '127.0.0.1', port: to } })
    opened.push(proxy)
    return proxy
  }
  const stop = async (): Promise<void> => {
    await servers.stop()
    await Promise.all(opened.map(proxy => proxy.close()))
  }
  try {
    const kafkaProxies = new Map<number, Proxy>()
    for (const { id, clientDoor } of servers.brokers) {
      if (clientDoor !== undefined) kafkaProxies.set(id, await open(clientDoor.advertisedPort, clientDoor.port))
    }
    // Nobody but the address that is given out says where Redis is, so any port will do.
    const redisProxy = await open(0, Number(new URL(servers.redisUrl).port))
    return {
      ...servers,
      kafkaBrokers: [...kafkaProxies.values()].map(({ port }) => `127.0.0.1:${port}`),
      redisUrl: `redis://127.0.0.1:${redisProxy.port}`,
      direct: { kafkaBrokers: servers.kafkaBrokers, redisUrl: servers.redisUrl },
      ...{ kafkaProxies, redisProxy, stop },
      [Symbol.asyncDispose]: stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}
