// What the routes share.

import type { Client } from '../client/client.ts'
import type { LaneFigures, StorageStats } from '../storage/storage.ts'
import type { Access } from './access.ts'
import type { AuditTrail } from './audit.ts'
import type { ConsoleDiagnosis, ResolvedConsoleOptions } from './console-options.ts'
import type { KeptAnswer } from './kept-answer.ts'
import type { LiveHub } from './live-hub.ts'
import type { SeriesBook } from './series.ts'

/** The parts. */
export interface ConsoleParts {
  readonly options: ResolvedConsoleOptions
  readonly client: Client
  readonly access: Access
  readonly audit: AuditTrail
  readonly hub: LiveHub
  readonly series: SeriesBook
  readonly stats: KeptAnswer<StorageStats>
  readonly lanes: KeptAnswer<readonly LaneFigures[]>
  /** Null: there is nothing to look at. */
  readonly diagnosis: KeptAnswer<ConsoleDiagnosis> | null
}
