// `errand worker`: runs the handlers that a module registers, with probes, figures and a graceful end.

import { Client } from '../../client/client.ts'
import { ErrandError } from '../../core/errors.ts'
import { Worker } from '../../worker/worker.ts'
import type { WorkerOptions } from '../../worker/worker-options.ts'
import { defineCommand } from '../command.ts'
import { openStorage } from '../open-storage.ts'
import type { Config } from '../config/settings.ts'
import { loadRegister } from '../service/handler-module.ts'
import type { Register } from '../service/handler-module.ts'
import { operationsPart } from '../service/operations-part.ts'
import { runService } from '../service/service.ts'
import type { ServiceContext, ServicePart } from '../service/service.ts'

/** The command. */
export const workerCommand = defineCommand({
  name: 'worker',
  summary: 'run the handlers that a module registers',
  description: `The module exports register(worker), which calls worker.handle(definition, handler) for each type.
The first SIGTERM or SIGINT ends the intake, lets handlers finish within --grace, gives the rest back, commits and leaves;
a second one leaves at once, and what ran is run again when its lease ends.`,
  section: 'Roles',
  settings: ['servers', 'topics', 'retention', 'worker', 'http', 'log'],
  goesOnUnheard: true,
  examples: [
    'errand worker --import ./worker.ts --namespace shop',
    'errand worker --import @shop/activities --concurrency 100',
  ],
  async run(call) {
    const { config } = call
    if (config.worker.import === undefined) {
      throw new ErrandError(
        'invalid_argument',
        'worker.import must be given: --import <module> or ERRAND_WORKER_IMPORT.',
        {
          details: { field: 'import' },
        },
      )
    }
    const register = await loadRegister(config.worker.import)
    return runService(call, {
      name: 'errand-worker',
      openStorage: logger => openStorage({ config, logger }, { provisions: true }),
      parts: async context => [
        await workerPart(context, register, workerOptions(config)),
        ...(config.worker.reaper ? [operationsPart(context)] : []),
      ],
    })
  },
})

/** What the settings say of a worker. */
export function workerOptions({ worker }: Config): Omit<WorkerOptions, 'storage' | 'logger'> {
  return {
    concurrency: worker.concurrency,
    leaseMs: worker.lease,
    graceMs: worker.grace,
    reaper: worker.reaper,
    ...(worker.id === undefined ? {} : { workerId: worker.id }),
  }
}

/** A worker with its handlers, as a part of a service. */
export async function workerPart(
  { storage, logger, signal }: ServiceContext,
  register: Register,
  options: Omit<WorkerOptions, 'storage' | 'logger'>,
): Promise<ServicePart> {
  const worker = new Worker({ ...options, storage, logger })
  const client = new Client({ storage, logger })
  const cleanUp = await register(worker, { client, logger, signal })
  return {
    start: () => worker.start(),
    stop: async () => {
      const report = await worker.stop()
      if (typeof cleanUp === 'function') await cleanUp()
      return report
    },
  }
}
