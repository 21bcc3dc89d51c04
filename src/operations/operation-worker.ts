// Runs operations: in every process that runs a reaper, beside it, on slots of their own.

import type { Clock } from '../core/clock.ts'
import { systemClock } from '../core/clock.ts'
import type { Storage } from '../storage/storage.ts'
import { otelTelemetry } from '../telemetry/otel.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import type { Worker } from '../worker/worker.ts'
import { operationActivity } from './operation.ts'
import { OperationRun } from './operation-run.ts'

/** Operations that one process runs at the same time. */
export const DEFAULT_OPERATIONS_AT_ONCE = 2

/** What {@link handleOperations} needs. */
export interface OperationHandlerParts {
  /** The worker's. */
  readonly storage: Storage
  /** @defaultValue the system's */
  readonly clock?: Clock
  /** @defaultValue OpenTelemetry, which is silent unless an SDK is registered */
  readonly telemetry?: Telemetry
  /** Range: 1 to 1,000. @defaultValue 2 */
  readonly concurrency?: number
}

/**
 * Lets a worker run operations, beside whatever else it handles. Before it starts. Throws `conflict` when it does already.
 *
 * @example
 * const worker = new Worker({ storage })
 * handleOperations(worker, { storage })
 */
export function handleOperations(
  worker: Worker,
  {
    storage,
    clock = systemClock,
    telemetry = otelTelemetry(),
    concurrency = DEFAULT_OPERATIONS_AT_ONCE,
  }: OperationHandlerParts,
): void {
  worker.handle(
    operationActivity,
    // Without a span around it: what it redrives are traces of their own, with the way back to what died, and not one of a hundred
    // thousand spans.
    (operation, { id, workerId, signal, log: logger }) =>
      telemetry.quietly(async () => {
        const parts = { storage, clock, logger, telemetry, id, operation, worker: workerId, signal }
        const run = await OperationRun.begin(parts)
        return run.perform()
      }),
    { concurrency },
  )
}
