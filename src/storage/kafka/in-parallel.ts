// Work on many things, some at once; the first failure stops the others.

/** Does the work of each item, at most `atOnce` at a time. The signal that the work is given aborts when another has failed. */
export async function inParallel<T>(
  items: readonly T[],
  atOnce: number,
  signal: AbortSignal,
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const waiting = [...items]
  const failed = new AbortController()
  let failure: { readonly error: unknown } | undefined
  const either = AbortSignal.any([signal, failed.signal])
  const workOn = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined && failure === undefined; item = waiting.shift()) {
      try {
        await work(item, either)
      } catch (error) {
        // What the others say when they are stopped is only that.
        failure ??= { error }
        failed.abort()
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, workOn))
  if (failure !== undefined) throw failure.error
}
