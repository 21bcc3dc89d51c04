// Door `errand`: what an application needs to define, enqueue and run activities. Nothing of Kafka or Redis is behind it;
// those come with `errand/kafka`, the storage in memory with `errand/memory`.

export { ActivityFailedError } from './client/activity-failed-error.ts'
export type { UnsuccessfulStatus } from './client/activity-failed-error.ts'
export type { ClientOptions } from './client/client-options.ts'
export { Client } from './client/client.ts'
export type { EnqueueItem, EnqueueItemAnswer } from './client/client.ts'
export { defineActivity } from './client/define-activity.ts'
export type { ActivityDefinition, ActivityDefinitionSpec, ActivityPolicy } from './client/define-activity.ts'
export type { Handle, HandleJson, ResultOptions } from './client/handle.ts'
export type { RedriveOptions } from './client/redrive.ts'
export type { Inspector } from './client/inspector.ts'
export type { EnqueueOptions } from './client/submission.ts'
export { ATTEMPT_OUTCOMES, DUPLICATE_BEHAVIORS, STATUSES, TERMINAL_STATUSES, isTerminal } from './core/activity.ts'
export type {
  Activity,
  AttemptFailure,
  AttemptFailureReport,
  AttemptOutcome,
  ClaimedAttempt,
  Coordinates,
  DuplicateBehavior,
  ErrorResultType,
  IdempotencyKey,
  RecordedFailure,
  Status,
  StoredResult,
  TerminalStatus,
  TraceContext,
} from './core/activity.ts'
export { systemClock } from './core/clock.ts'
export type { Clock } from './core/clock.ts'
export type { Discard } from './core/discard.ts'
export {
  ERROR_CODES,
  ERROR_TABLE,
  ErrandError,
  NonRetryableError,
  RetryAfterError,
  isErrandError,
  isNonRetryable,
  isRetryAfter,
} from './core/errors.ts'
export type { ErrorCode, ErrorDetails, Retryability } from './core/errors.ts'
export { uuidv7Source } from './core/ids.ts'
export type { IdSource } from './core/ids.ts'
export type { LifecycleState, StopReport } from './core/lifecycle.ts'
export { LIMITS } from './core/limits.ts'
export { silentLogger } from './core/logger.ts'
export type { LogFields, Logger } from './core/logger.ts'
export { PRIORITIES } from './core/priority.ts'
export type { Priority } from './core/priority.ts'
export { groupDeadLetters } from './operations/dead-letter-groups.ts'
export type { DeadLetterGroup, DeadLetterGroups, GroupParams } from './operations/dead-letter-groups.ts'
export { DEFAULT_RATE_PER_SECOND, OPERATION_KINDS, OPERATION_TYPE } from './operations/operation.ts'
export type {
  ItemFailure,
  OperationFilter,
  OperationKind,
  OperationSpec,
  OperationSummary,
} from './operations/operation.ts'
export { handleOperations } from './operations/operation-worker.ts'
export type { OperationHandlerParts } from './operations/operation-worker.ts'
export { previewOperation } from './operations/preview-operation.ts'
export type { OperationPreview, PreviewParams } from './operations/preview-operation.ts'
export { startOperation } from './operations/start-operation.ts'
export type { StartedOperation, StartOperationParams } from './operations/start-operation.ts'
export { listOperations, readOperation, watchOperation } from './operations/watch-operation.ts'
export type { OperationState, OperationView, WatchParams } from './operations/watch-operation.ts'
export type {
  ReapedDeadLetter,
  ReapedDeadLetterListener,
  ReaperOptions,
  ReaperTuning,
} from './reaper/reaper-options.ts'
export { Reaper } from './reaper/reaper.ts'
export type { ReaperReport } from './reaper/reaper.ts'
export type { Scheduler, SchedulerReport } from './reaper/scheduler.ts'
export type * from './storage/storage.ts'
export { otelTelemetry } from './telemetry/otel.ts'
export type { OtelOptions } from './telemetry/otel.ts'
export { silentTelemetry } from './telemetry/telemetry.ts'
export type {
  ActivitySpan,
  CounterName,
  DurationName,
  FigureLabels,
  GaugeName,
  GaugeReading,
  GaugeSource,
  SpanEnd,
  SpanKind,
  SpanStart,
  Telemetry,
} from './telemetry/telemetry.ts'
export type { DeadLetterBudgetOptions } from './worker/dead-letter-budget-options.ts'
export { AttemptAbortedError } from './worker/attempt-aborted-error.ts'
export type { AbortWhy } from './worker/attempt-aborted-error.ts'
export type { HandlerContext } from './worker/handler-context.ts'
export type { DeadLetterListener, DeadLetterNotice, HandleOptions, Handler } from './worker/registry.ts'
export { stopSignals } from './worker/stop-signals.ts'
export type { AttemptFacts, SettledOutcome, WorkerEvents, WorkerListener } from './worker/worker-events.ts'
export type { WorkerOptions } from './worker/worker-options.ts'
export { Worker } from './worker/worker.ts'
