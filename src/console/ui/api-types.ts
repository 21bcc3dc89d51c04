// The answers of the API as the pages use them: the server's own types where it exports them; a test holds the rest against the
// server's schemas.

import type {
  ActivityEvent,
  ActivitySnapshot,
  ActivitySummary,
  DeadLetterSummary,
  LaneFigures,
  Page,
  StorageStats,
} from '../../storage/storage.ts'
import type { OperationView } from '../../operations/watch-operation.ts'
import type { Role } from '../access.ts'
import type { AuditEntry } from '../audit.ts'
import type { ConsoleFinding } from '../console-options.ts'
import type { AsOf, ShownResult } from '../schemas.ts'
import type { TopicsView } from '../topic-view.ts'

export type { DeadLetterGroup, DeadLetterGroups } from '../../operations/dead-letter-groups.ts'
export type { OperationKind } from '../../operations/operation.ts'
export type { OperationPreview } from '../../operations/preview-operation.ts'
export type { SearchPage } from '../search.ts'
export type { Series, SeriesBucket } from '../series.ts'
export type { WorkersView } from '../worker-view.ts'
export type { ActivityEvent, ActivitySummary, AuditEntry, DeadLetterSummary, LaneFigures, OperationView, Page }

/** `GET /session` */
export interface SessionView {
  /** Null: a token must be shown first. */
  readonly role: Role | null
  readonly needsToken: boolean
  readonly isReadOnly: boolean
  readonly environment: { readonly name: string; readonly color: string | null } | null
  readonly namespace: string | null
  readonly version: string | null
  readonly traceUrl: string | null
  readonly redacts: boolean
  readonly canDiagnose: boolean
  readonly nowMs: number
}

/** `GET /stats` */
export type StatsView = StorageStats & AsOf

/** `GET /lanes` */
export interface LanesView extends AsOf {
  readonly lanes: readonly LaneFigures[]
}

/** `GET /activities/:id`; its payload and the data of its result are read from the text, where every digit is. */
export interface ActivityView extends Omit<ActivitySnapshot, 'payloadJson' | 'traceparent'> {
  readonly payload: unknown
  readonly isRedacted: boolean
  readonly editedFrom: string | null
  readonly editedAs: string | null
  readonly traceId: string | null
  readonly traceUrl: string | null
  readonly result: ShownResult | null
  readonly fingerprint: string | null
  readonly sentence: string
  readonly nowMs: number
}

/** `GET /lookup` */
export interface LookupView {
  readonly id: string | null
  readonly by: 'id' | 'key' | null
  readonly type: string | null
  /** All that it stands for: more than one for a key of several types, and then `id` is null. */
  readonly hits: readonly { readonly id: string; readonly type: string }[]
}

/** `GET /operations` */
export interface OperationsView {
  readonly operations: readonly OperationView[]
  /** How many processes run operations; 0: they wait for one; null: not known. */
  readonly servedBy: number | null
}

/** `GET /topics` */
export interface TopicsPage extends TopicsView {
  readonly lanes: readonly LaneFigures[]
  readonly isKnown: boolean
  readonly asOfMs: number | null
  readonly trouble: string | null
}

/** `GET /doctor` */
export interface DoctorView {
  readonly isAvailable: boolean
  readonly asOfMs: number | null
  readonly trouble: string | null
  readonly findings: readonly ConsoleFinding[]
  readonly notChecked: readonly { readonly what: string; readonly why: string }[]
}

/** `POST` that starts an operation. */
export interface StartedView {
  readonly id: string
  readonly outcome: 'created' | 'existing'
  readonly servedBy: number | null
}
