// What `up` remembers for the next command: ports and pids, one small JSON file in the data folder.

import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ClientDoor } from './kafka-config.ts'

/** One broker: what it is called, where it listens, and its process when it was last started. */
export interface BrokerState {
  readonly id: number
  readonly port: number
  readonly controllerPort: number
  /** Of a broker whose clients come by way of a proxy. */
  readonly clientDoor?: ClientDoor
  readonly pid: number | null
}

/** Redis: where it listens, and its process when it was last started. */
export interface RedisState {
  readonly port: number
  readonly pid: number | null
}

/** Containers of `docker compose` under this project name; ports are those of the host. */
export interface DockerState {
  readonly project: string
  readonly kafkaPort: number
  readonly redisPort: number
}

/** All that is remembered of one data folder. Empty brokers or no redis: given from elsewhere, or never started. */
export interface StackState {
  readonly version: 1
  readonly clusterId: string
  readonly brokers: readonly BrokerState[]
  readonly redis: RedisState | null
  readonly docker: DockerState | null
}

/** What is remembered in this data folder, if anything. */
export function readState(dataDir: string): StackState | undefined {
  try {
    const state: StackState = JSON.parse(readFileSync(stateFile(dataDir), 'utf8'))
    return state.version === 1 ? state : undefined
  } catch {
    return undefined // nothing yet, or cut off by a full disk: as good as nothing
  }
}

/** Replaces what is remembered, whole or not at all, and answers it. */
export function writeState(dataDir: string, state: StackState): StackState {
  mkdirSync(dataDir, { recursive: true })
  const draft = `${stateFile(dataDir)}.${process.pid}`
  writeFileSync(draft, `${JSON.stringify(state, null, 2)}\n`)
  renameSync(draft, stateFile(dataDir))
  return state
}

/** Changes what is remembered by a function of what is. Read and written without a pause, so parallel changes all count. */
export function updateState(dataDir: string, change: (state: StackState) => StackState): StackState {
  return writeState(dataDir, change(readState(dataDir) ?? newState()))
}

/** A state that knows of nothing but the name that its Kafka cluster will have. */
export function newState(): StackState {
  const clusterId = randomBytes(16).toString('base64url').replace(/^-/, 'A') // a leading - would look like an option
  return { version: 1, clusterId, brokers: [], redis: null, docker: null }
}

/** The state with another pid for one of its brokers. */
export function withBrokerPid(state: StackState, id: number, pid: number | null): StackState {
  return { ...state, brokers: state.brokers.map(broker => (broker.id === id ? { ...broker, pid } : broker)) }
}

function stateFile(dataDir: string): string {
  return join(dataDir, 'state.json')
}
