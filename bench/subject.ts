// What is measured, as the measurements see it: something that takes payloads and, if it can, runs them. Errand is one
// subject, plain kafkajs another; another queue becomes comparable by implementing this.

/** One thing to be measured. Disposing it closes what it opened, and takes away what it wrote where nobody else does. */
export interface Subject extends AsyncDisposable {
  readonly name: string
  readonly version: string
  /** What is true of a write once it is accepted, and with which settings this ran: one line for the report. */
  readonly promise: string
  /** A place of its own for one measurement, ready to be written to. */
  openLane(name: string): Promise<Lane>
}

/** Where one measurement's payloads go. */
export interface Lane {
  /** Resolves when all are accepted for good. */
  enqueueMany(payloads: readonly Payload[]): Promise<void>
  /** Resolves when it is accepted for good. */
  enqueue(payload: Payload): Promise<void>
  /** Starts one worker with no-op handlers; resolves when it takes payloads. Undefined: this subject only writes. */
  startWorker?(options: WorkerSettings): Promise<RunningWorker>
}

/** How a worker is to run. */
export interface WorkerSettings {
  readonly concurrency: number
  readonly onReport: (report: WorkerReport) => void
}

/** A worker that takes payloads. */
export interface RunningWorker {
  /** Rejects when it ends without having been stopped; never resolves. Undefined: it lives in this process. */
  readonly died?: Promise<never>
  stop(): Promise<void>
}

/** What a worker did since its report before. */
export interface WorkerReport {
  readonly settled: number
  /** When its very first handler started, by the worker's own monotonic clock; 0 before. Unit: ms. */
  readonly startedMs: number
  /** When the last one was settled, by the same clock; 0 before. Unit: ms. */
  readonly settledMs: number
  /** From enqueue to the start of the handler, for each that started. Unit: ms, with fractions. */
  readonly waitsMs: readonly number[]
}

/** 300 bytes of JSON: when it was sent, and padding. */
export interface Payload {
  readonly sentAtMs: number
  readonly padding: string
}

/** The size of every payload. Unit: bytes of JSON. */
export const PAYLOAD_BYTES = 300

/** A payload that was sent at this time. */
export function payloadSentAt(sentAtMs: number): Payload {
  const bare = JSON.stringify({ sentAtMs, padding: '' }).length
  return { sentAtMs, padding: 'x'.repeat(PAYLOAD_BYTES - bare) }
}
