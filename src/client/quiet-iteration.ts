// An iteration whose steps run quietly: a generator works in the context of whoever asks for the next value, so what it calls
// would else be traced as the asker's.

import type { Telemetry } from '../telemetry/telemetry.ts'

/** The same values; each step is made quietly. */
export function quietly<T>(telemetry: Telemetry, values: AsyncIterable<T>): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]: (): AsyncIterator<T> => {
      const iterator = telemetry.quietly(() => values[Symbol.asyncIterator]())
      return {
        next: () => telemetry.quietly(() => iterator.next()),
        return: async value => (await telemetry.quietly(() => iterator.return?.(value))) ?? { done: true, value },
      }
    },
  }
}
