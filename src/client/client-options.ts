// What a Client is made from.

import type { Clock } from '../core/clock.ts'
import { systemClock } from '../core/clock.ts'
import type { IdSource } from '../core/ids.ts'
import { uuidv7Source } from '../core/ids.ts'
import type { Logger } from '../core/logger.ts'
import { silentLogger } from '../core/logger.ts'
import { OptionCheck } from '../core/option-check.ts'
import type { Storage } from '../storage/storage.ts'
import { otelTelemetry } from '../telemetry/otel.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'

/** Options of a Client; only the storage is needed. */
export interface ClientOptions {
  /** Where activities go. Whoever opened it closes it. */
  readonly storage: Storage
  /** @defaultValue the system's */
  readonly clock?: Clock
  /** Where ids come from. @defaultValue UUIDv7s */
  readonly ids?: IdSource
  /** @defaultValue says nothing */
  readonly logger?: Logger
  /** @defaultValue OpenTelemetry, which is silent unless an SDK is registered */
  readonly telemetry?: Telemetry
}

/** Options, complete. */
export type ResolvedClientOptions = Readonly<Required<ClientOptions>>

const KNOWN = ['storage', 'clock', 'ids', 'logger', 'telemetry']

/** Completes and checks options. Throws `invalid_argument`. */
export function resolveClientOptions(options: ClientOptions): ResolvedClientOptions {
  const check = new OptionCheck('ClientOptions', options, KNOWN)
  if (typeof options.storage?.enqueueMany !== 'function') check.add('storage must be a storage.', 'storage')
  check.throwIfAny()
  const clock = options.clock ?? systemClock
  return {
    storage: options.storage,
    clock,
    ids: options.ids ?? uuidv7Source({ nowMs: () => clock.nowMs(), randomBytes }),
    logger: options.logger ?? silentLogger,
    telemetry: options.telemetry ?? otelTelemetry(),
  }
}

function randomBytes(into: Uint8Array): Uint8Array {
  return crypto.getRandomValues(into as Uint8Array<ArrayBuffer>)
}
