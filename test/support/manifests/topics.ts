// KafkaTopics against what the code would make itself.

import type { TopicSpec } from '../../../src/producer/topic-specs.ts'
import { delaySpec, dlqSpec, laneSpecs, outcomesSpec } from '../../../src/producer/topic-specs.ts'
import type { Config } from '../../../src/cli/config/settings.ts'
import type { Manifest } from './objects.ts'
import { ofKind, workloadsOf } from './objects.ts'
import { commandLineOf, configOf } from './settings.ts'

/** Where the KafkaTopics of an overlay differ from the topics that its job would make; empty when nowhere. */
export function topicDifferences(objects: readonly Manifest[]): string[] {
  const wanted = new Map(specsOf(objects).map(spec => [spec.topic, shown(spec)]))
  const have = new Map(ofKind(objects, 'KafkaTopic').map(manifest => [topicOf(manifest), shownManifest(manifest)]))
  return [...new Set([...wanted.keys(), ...have.keys()])].flatMap(topic => {
    const [should, is] = [wanted.get(topic), have.get(topic)]
    if (should === undefined) return [`${topic}: nobody needs it`]
    if (is === undefined) return [`${topic}: is missing`]
    return [...new Set([...Object.keys(should), ...Object.keys(is)])].flatMap(name =>
      should[name] === is[name]
        ? []
        : [`${topic}: ${name} is ${is[name] ?? 'not set'}, should be ${should[name] ?? 'not set'}`],
    )
  })
}

function specsOf(objects: readonly Manifest[]): TopicSpec[] {
  const [container] = workloadsOf(objects).find(({ manifest }) => manifest.kind === 'Job')?.pod.containers ?? []
  const config = container === undefined ? undefined : configOf(container, objects)
  if (container === undefined || config?.namespace === undefined) throw new Error('the topics job has no settings')
  const { namespace } = config
  const types = String(commandLineOf(container.args ?? []).flags.get('types')).split(',')
  const options = optionsOf(config)
  return [
    ...types.flatMap(type => laneSpecs(namespace, type, options)),
    ...[delaySpec, outcomesSpec, dlqSpec].map(spec => spec(namespace, options)),
  ]
}

function optionsOf({ topics }: Config): Parameters<typeof delaySpec>[1] {
  return {
    ...{ partitions: topics.partitions, replicationFactor: topics.replication_factor },
    minInsyncReplicas: topics.min_insync_replicas,
  }
}

function topicOf({ metadata, spec }: Manifest): string {
  return spec?.topicName ?? metadata.name
}

function shown({ partitions, replicationFactor, config }: TopicSpec): Record<string, string> {
  return { ...config, partitions: String(partitions), replicas: String(replicationFactor) }
}

function shownManifest({ spec }: Manifest): Record<string, string> {
  const texts = Object.entries(spec?.config ?? {}).map(([name, value]) => [name, String(value)] as const)
  return { ...Object.fromEntries(texts), partitions: String(spec?.partitions), replicas: String(spec?.replicas) }
}
