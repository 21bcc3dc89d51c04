// Rules about autoscalers: they scale what is there, within what partitions allow, by figures and names that the code has.

import { scrapedName } from '../../../observability/prometheus-names.ts'
import { LABELS, METRICS } from '../../../observability/metrics.ts'
import { laneTopics, workersGroup } from '../../../src/core/topics.ts'
import type { Manifest, Trigger } from './objects.ts'
import { ofKind, titleOf, workloadsOf } from './objects.ts'
import type { Rule } from './rule.ts'
import { OUTSIDE_SECRETS } from './settings-rules.ts'
import { commandLineOf, configOf } from './settings.ts'

/** All rules about autoscalers. */
export const SCALING_RULES: readonly Rule[] = [
  { id: 'scale-target', find: targetProblems },
  { id: 'scale-bounds', find: boundProblems },
  { id: 'scale-figures', find: figureProblems },
  { id: 'scale-lane', find: laneProblems },
]

function scalersIn(objects: readonly Manifest[]): Manifest[] {
  return [...ofKind(objects, 'ScaledObject'), ...ofKind(objects, 'HorizontalPodAutoscaler')]
}

/** Who scales sets the number of pods; a number in the manifest would undo it with every apply. */
function targetProblems(objects: readonly Manifest[]): string[] {
  const scalers = scalersIn(objects)
  const targets = scalers.map(({ spec }) => spec?.scaleTargetRef?.name)
  return scalers.flatMap((scaler, at) => {
    const target = ofKind(objects, 'Deployment').find(({ metadata }) => metadata.name === targets[at])
    return [
      ...(target === undefined ? [`${titleOf(scaler)}: there is no Deployment ${targets[at] ?? ''}`] : []),
      ...(target?.spec?.replicas === undefined
        ? []
        : [`${titleOf(target)}: says how many, as ${titleOf(scaler)} does`]),
      ...(targets.indexOf(targets[at]) === at
        ? []
        : [`${titleOf(scaler)}: is the second that scales ${targets[at] ?? ''}`]),
    ]
  })
}

function boundProblems(objects: readonly Manifest[]): string[] {
  const partitions = workerConfig(objects)?.topics.partitions
  return scalersIn(objects).flatMap(scaler => {
    const { minReplicaCount, maxReplicaCount, minReplicas, maxReplicas } = scaler.spec ?? {}
    const [least, most] = [minReplicaCount ?? minReplicas ?? 0, maxReplicaCount ?? maxReplicas ?? Infinity]
    return [
      ...(least >= 1 ? [] : [`${titleOf(scaler)}: goes to zero`]),
      ...(partitions !== undefined && most > partitions
        ? [`${titleOf(scaler)}: goes to ${most}, and a lane has ${partitions} partitions`]
        : []),
    ]
  })
}

function figureProblems(objects: readonly Manifest[]): string[] {
  const figures = new Set(Object.values(METRICS).map(metric => scrapedName(metric)))
  const known = new Set<string>([...figures, ...Object.values(LABELS)])
  return scalersIn(objects).flatMap(scaler => {
    const { triggers, metrics } = scaler.spec ?? {}
    const queries = (triggers ?? []).map(({ metadata }) => metadata['query'] ?? '')
    const names = queries.flatMap(query => query.match(/\b(?:errand|messaging)_\w+/g) ?? [])
    const external = (metrics ?? []).flatMap(metric => metric.external?.metric.name ?? [])
    const unknown = [...names, ...external].filter(name => !known.has(name))
    const hasFigure = [...names, ...external].some(name => figures.has(name))
    return [
      ...unknown.map(name => `${titleOf(scaler)}: nothing is called ${name}`),
      ...(hasFigure ? [] : [`${titleOf(scaler)}: looks at no figure of Errand's`]),
    ]
  })
}

/** What Kafka is asked about is a lane of a type that the topics job knows, at the brokers that workers use. */
function laneProblems(objects: readonly Manifest[]): string[] {
  return ofKind(objects, 'ScaledObject').flatMap(scaler =>
    (scaler.spec?.triggers ?? [])
      .filter(({ type }) => type === 'kafka')
      .flatMap(trigger => triggerProblems(trigger, objects).map(text => `${titleOf(scaler)}: ${text}`)),
  )
}

function triggerProblems({ metadata, authenticationRef }: Trigger, objects: readonly Manifest[]): string[] {
  const config = workerConfig(objects)
  const namespace = config?.namespace ?? ''
  const { topic = '', consumerGroup = '', bootstrapServers, excludePersistentLag } = metadata
  const type = typesOf(objects).find(one => laneTopics(namespace, one).includes(topic))
  const authentication = ofKind(objects, 'TriggerAuthentication').find(
    one => one.metadata.name === authenticationRef?.name,
  )
  const missing = (authentication?.spec?.secretTargetRef ?? []).filter(
    ({ name, key }) => OUTSIDE_SECRETS[name]?.includes(key) !== true,
  )
  return [
    ...(type === undefined ? [`${topic} is no lane of a type that the topics job makes`] : []),
    ...(type !== undefined && consumerGroup !== workersGroup(namespace, type)
      ? [`${consumerGroup} is not who works`]
      : []),
    ...(bootstrapServers === config?.kafka.brokers?.join(',') ? [] : [`${bootstrapServers ?? ''} is another Kafka`]),
    ...(excludePersistentLag === 'true' ? ['a partition whose frontier stands would not count'] : []),
    ...(authentication === undefined ? ['nobody lets it in'] : []),
    ...missing.map(({ name, key }) => `there is no ${key} in ${name}`),
  ]
}

function workerConfig(objects: readonly Manifest[]): ReturnType<typeof configOf> {
  const worker = workloadsOf(objects).find(({ labels }) => labels['app.kubernetes.io/component'] === 'worker')
  const [container] = worker?.pod.containers ?? []
  return container === undefined ? undefined : configOf(container, objects)
}

function typesOf(objects: readonly Manifest[]): string[] {
  const [job] = ofKind(objects, 'Job')
  const { flags } = commandLineOf(job?.spec?.template?.spec.containers[0]?.args ?? [])
  return String(flags.get('types') ?? '').split(',')
}
