// A module for `errand worker --import`: handlers that succeed, fail, and run until a file says that they may end.

import { watch } from 'node:fs'
import { access } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { z } from 'zod'
import type { HandlerContext, Worker } from '../../src/index.ts'
import { defineActivity } from '../../src/index.ts'

export const echo = defineActivity({ type: 'echo', input: z.unknown(), output: z.unknown() })
export const broken = defineActivity({ type: 'broken', input: z.unknown(), maxAttempts: 1 })
export const flaky = defineActivity({ type: 'flaky', input: z.unknown(), retryDelayMs: 100 })
/** Ends once `file` is there, or, with `heeds`, when it is told to. */
export const patient = defineActivity({
  type: 'patient',
  input: z.object({ file: z.string(), heeds: z.boolean().default(false) }),
  timeoutMs: 600_000,
})

export function register(worker: Worker): () => void {
  worker.handle(echo, input => input)
  worker.handle(broken, () => {
    throw new TypeError('the order has no lines')
  })
  worker.handle(flaky, (_, { attempt, log }) => {
    log.info('flaky tries')
    if (attempt === 1) throw new Error('busy')
  })
  worker.handle(patient, async ({ file, heeds }, ctx) => {
    ctx.log.info('patient waits')
    await until(file, heeds ? ctx : undefined)
  })
  return () => void process.stderr.write('handlers cleaned up\n')
}

async function until(file: string, ctx: HandlerContext | undefined): Promise<void> {
  const watching = watch(dirname(file))
  try {
    await new Promise<void>((resolve, reject) => {
      const look = (): void => void access(file).then(resolve, () => undefined)
      watching.on('change', (_, name) => (name === basename(file) ? look() : undefined))
      ctx?.signal.addEventListener('abort', () => reject(ctx.signal.reason as Error))
      look()
    })
  } finally {
    watching.close()
  }
}
