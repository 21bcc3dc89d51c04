// Runs bulk work beside a reaper: a small worker for operations alone, so that no handler of the application waits for it.

import { isErrandError } from '../../core/errors.ts'
import { OPERATION_TYPE } from '../../operations/operation.ts'
import { handleOperations } from '../../operations/operation-worker.ts'
import { Worker } from '../../worker/worker.ts'
import type { ServiceContext, ServicePart } from './service.ts'

/** Serves operations. Where their topics are missing and are not made here, the service goes on without. */
export function operationsPart({ storage, logger }: Pick<ServiceContext, 'storage' | 'logger'>): ServicePart {
  const worker = new Worker({ storage, logger, reaper: false })
  handleOperations(worker, { storage })
  return {
    start: async () => {
      try {
        await worker.start()
      } catch (error) {
        if (!isErrandError(error, 'configuration')) throw error
        const mend = `\`errand topics apply --types ${OPERATION_TYPE}\` makes them; start this again afterwards`
        logger.warn('bulk work is not served: its topics are missing', { error: error.message, mend })
      }
    },
    stop: () => worker.stop(),
  }
}
