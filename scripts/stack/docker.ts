// The stack as containers, where a Docker engine answers: `docker compose` with the repository's file.

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { repositoryDir } from './places.ts'
import { findProgram } from './programs.ts'
import { StackError } from './stack-error.ts'
import type { DockerState } from './state.ts'

const composeFile = join(repositoryDir, 'docker-compose.yml')

/** Whether a Docker engine answers and has `compose`. A client without an engine is common, and is no. */
export function dockerAnswers(): boolean {
  return (
    findProgram('docker') !== undefined &&
    spawnSync('docker', ['info'], { stdio: 'ignore', timeout: 5_000 }).status === 0 &&
    spawnSync('docker', ['compose', 'version'], { stdio: 'ignore', timeout: 5_000 }).status === 0
  )
}

/** A project of its own for every data folder, so that two clones do not share containers or volumes. */
export function projectName(dataDir: string): string {
  return `errand-${createHash('sha256').update(dataDir).digest('hex').slice(0, 8)}`
}

/** Starts the containers (or finds them running) and waits for their health checks. */
export function composeUp(docker: DockerState, services: readonly string[]): void {
  compose(docker, ['up', '-d', '--wait', ...services], 600_000)
}

/** Ends the containers; their volumes go too unless they are kept. */
export function composeDown(docker: DockerState, keepsData: boolean): void {
  compose(docker, ['down', ...(keepsData ? [] : ['--volumes'])], 120_000)
}

function compose(docker: DockerState, args: readonly string[], timeout: number): void {
  const result = spawnSync('docker', ['compose', '-f', composeFile, '-p', docker.project, ...args], {
    encoding: 'utf8',
    timeout,
    env: {
      ...process.env,
      ERRAND_COMPOSE_KAFKA_PORT: String(docker.kafkaPort),
      ERRAND_COMPOSE_REDIS_PORT: String(docker.redisPort),
    },
  })
  if (result.status === 0) return
  const output = `${result.stdout}${result.stderr}`.trim().split('\n').slice(-15).join('\n')
  throw new StackError(`docker compose ${args.join(' ')} failed:\n${output}`)
}
