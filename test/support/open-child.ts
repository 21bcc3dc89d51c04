// Opens a storage in a process of its own: node open-child.ts <KafkaStorageOptions as JSON>. Says on stdout how it went and
// then does nothing more: what keeps the process alive is what the storage has left open.

import { systemClock } from '../../src/core/clock.ts'
import { isErrandError } from '../../src/core/errors.ts'
import { KafkaStorage } from '../../src/storage/kafka/index.ts'
import type { KafkaStorageOptions } from '../../src/storage/kafka/kafka-storage-options.ts'

const startedMs = systemClock.monotonicMs()
const said = await KafkaStorage.open(JSON.parse(process.argv[2] ?? '') as KafkaStorageOptions).then(
  async storage => {
    await storage.close()
    return { code: 'opened', message: '', details: {} }
  },
  (error: unknown) =>
    isErrandError(error)
      ? { code: error.code, message: error.message, details: error.details }
      : { code: 'foreign', message: String(error), details: {} },
)
process.stdout.write(JSON.stringify({ ...said, tookMs: systemClock.monotonicMs() - startedMs }))
