// The door `errand/kafka`: the storage on Kafka and Redis.

export { KafkaStorage } from './kafka-storage.ts'
export type { KafkaStorageOptions } from './kafka-storage-options.ts'
export { rebuild } from './rebuild-door.ts'
export type { RebuildParams, RebuildReport } from './rebuild.ts'
export type { RebuildPhase, RebuildProgress } from './rebuild-progress.ts'
export type { Retention } from '../redis/side-store.ts'
