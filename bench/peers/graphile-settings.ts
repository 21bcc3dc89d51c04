// What graphile-worker's two processes agree on.

import { Logger } from 'graphile-worker'
import { Pool } from 'pg'

/** The one task of every lane. */
export const TASK = 'noop'

/** The schema of a lane. PostgreSQL cuts names after 63 bytes. */
export function schemaOf(namespace: string, lane: string): string {
  return `${namespace}-${lane}`.slice(0, 63)
}

/** Else it writes a line for every job, which is not what is measured. */
export const silentLogger: Logger = new Logger(() => () => undefined)

/** Connections whose errors are told; it wants them to be. */
export function openPool(url: string, connections: number): Pool {
  const pool = new Pool({ connectionString: url, max: connections })
  const tell = (error: Error): void => {
    process.stderr.write(`postgres: ${error.message}\n`)
  }
  pool.on('error', tell)
  pool.on('connect', client => client.on('error', tell))
  return pool
}
