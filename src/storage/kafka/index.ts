// The door `errand/kafka`: the storage on Kafka and Redis.

export { KafkaStorage } from './kafka-storage.ts'
export type { KafkaStorageOptions } from './kafka-storage-options.ts'
export type { Retention } from '../redis/side-store.ts'
