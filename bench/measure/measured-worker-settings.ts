/** How a measured worker is to run. */
export interface MeasuredWorkerSettings {
  readonly types: readonly string[]
  readonly concurrency: number
  /** How long a handler takes. Unit: ms. 0: a no-op */
  readonly handlerMs: number
  /** Handlers wait until `go`, so that several workers begin at one time, with their partitions dealt out. */
  readonly isGated: boolean
}
