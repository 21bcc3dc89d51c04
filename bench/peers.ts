// The queues beside which Errand is measured, by name. Their code lives in bench/peers/, whose packages are installed only
// when they are asked for: so nothing here imports it but by a path that is made at run time.

import { join } from 'node:path'
import type { Subject } from './subject.ts'
import type { ErrandKafkaOptions } from './subjects/errand-kafka.ts'
import { openPlainKafka } from './subjects/plain-kafka.ts'

/** Every peer's name, in the order of the report. */
export const PEERS = ['kafkajs', 'bullmq', 'graphile-worker'] as const

/** One of them. */
export type PeerName = (typeof PEERS)[number]

/** Where a peer finds its servers. `postgresUrl` is empty when no peer needs one. */
export interface PeerPlace extends ErrandKafkaOptions {
  readonly postgresUrl: string
}

/** What a file in bench/peers/ that is a peer exports. */
export interface PeerModule {
  readonly open: (place: PeerPlace) => Promise<Subject>
}

/** The peers that need the packages of bench/peers/. */
export function needsPackages(peer: PeerName): boolean {
  return peer !== 'kafkajs'
}

/** The peers that keep what they are given in PostgreSQL. */
export function needsPostgres(peer: PeerName): boolean {
  return peer === 'graphile-worker'
}

/** Opens a peer. Its packages must be installed. */
export async function openPeer(peer: PeerName, place: PeerPlace): Promise<Subject> {
  if (!needsPackages(peer)) return await openPlainKafka(place)
  const { open }: PeerModule = await import(join(import.meta.dirname, 'peers', `${peer}.ts`))
  return await open(place)
}
