// One partition of one topic, as the consuming side names it.

/** A partition of a topic. */
export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** A partition as text, for maps. Topic names cannot hold a colon. */
export function partitionKey({ topic, partition }: TopicPartition): string {
  return `${topic}:${partition}`
}

/** The same partitions, a list for each topic: the shape that pausing and resuming take. */
export function byTopic(list: Iterable<TopicPartition>): { topic: string; partitions: number[] }[] {
  const lists = new Map<string, number[]>()
  for (const { topic, partition } of list) {
    const partitions = lists.get(topic)
    if (partitions === undefined) lists.set(topic, [partition])
    else partitions.push(partition)
  }
  return [...lists].map(([topic, partitions]) => ({ topic, partitions }))
}
