// The door `errand/kafka`: the storage on Kafka and Redis.

export { KafkaStorage } from './kafka-storage.ts'
export type { KafkaStorageOptions } from './kafka-storage-options.ts'
export { rebuild } from './rebuild-door.ts'
export type { RebuildParams, RebuildReport } from './rebuild.ts'
export type { RebuildPhase, RebuildProgress } from './rebuild-progress.ts'
export type { Retention } from '../redis/side-store.ts'
export { gatherFacts } from './diagnose.ts'
export type { GatherOptions } from './diagnose.ts'
export { applyTopics, planTopics, verifyTopics } from './topic-plan.ts'
export type { AppliedTopics, PlannedTopic, TopicAction, TopicDifference, TopicPlanOptions } from './topic-plan.ts'
