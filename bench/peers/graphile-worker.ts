// graphile-worker on PostgreSQL, with its worker in a process of its own. See ../README.md for its settings.

import { makeWorkerUtils } from 'graphile-worker'
import { join } from 'node:path'
import type { Pool } from 'pg'
import type { PeerPlace } from '../peers.ts'
import type { Lane, Subject } from '../subject.ts'
import { startWorkerChild } from '../worker-child.ts'
import { openPool, schemaOf, silentLogger, TASK } from './graphile-settings.ts'
import { versionOf } from './installed-version.ts'

/** With 30 and 80 fewer were added one by one. */
const CONNECTIONS = 10
const PROGRAM = join(import.meta.dirname, 'graphile-worker-process.ts')

/** Opens the subject. Each lane is a schema of its own, since waiting rows of one slow down the reading of all. */
export async function open(place: PeerPlace): Promise<Subject> {
  const pool = openPool(place.postgresUrl, CONNECTIONS)
  const schemas: string[] = []
  const closes: (() => Promise<void>)[] = []
  return {
    name: 'graphile-worker',
    version: versionOf('graphile-worker'),
    promise: await promiseOf(pool),
    async openLane(name): Promise<Lane> {
      const schema = schemaOf(place.namespace, name)
      schemas.push(schema)
      const utils = await makeWorkerUtils({ pgPool: pool, schema, logger: silentLogger })
      closes.push(async () => utils.release())
      await utils.migrate()
      return {
        async enqueueMany(payloads) {
          await utils.addJobs(payloads.map(payload => ({ identifier: TASK, payload })))
        },
        async enqueue(payload) {
          await utils.addJob(TASK, payload)
        },
        startWorker: settings => startWorkerChild(PROGRAM, { ...place, lane: name }, settings),
      }
    },
    async [Symbol.asyncDispose]() {
      for (const close of closes) await close()
      for (const schema of schemas) await pool.query(`drop schema if exists "${schema}" cascade`)
      await pool.end()
    },
  }
}

async function promiseOf(pool: Pool): Promise<string> {
  const { rows } = await pool.query<Readonly<Record<string, string>>>(
    `select current_setting('server_version') as version, current_setting('fsync') as fsync,
       current_setting('synchronous_commit') as commit`,
  )
  const { version, fsync, commit } = rows[0] ?? {}
  return `committed in PostgreSQL ${version} (fsync ${fsync}, synchronous_commit ${commit}); completed ones are deleted`
}
