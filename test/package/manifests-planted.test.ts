// That the checks of manifests bite: mistakes are planted in what an overlay yields, and each has to be found by its own rule.

import type { TestContext } from 'vitest'
import { describe, expect, test } from 'vitest'
import type { Manifest } from '../support/manifests/objects.ts'
import type { Planted } from '../support/manifests/planted.ts'
import { PLANTED, withMistake } from '../support/manifests/planted.ts'
import { render, renderTrouble } from '../support/manifests/render.ts'
import { RULES, policyProblems } from '../support/manifests/rules.ts'
import { KUBERNETES_VERSIONS, schemaProblems } from '../support/manifests/schemas.ts'
import { topicDifferences } from '../support/manifests/topics.ts'

const trouble = renderTrouble()

function production(context: TestContext, component: string): readonly Manifest[] {
  context.skip(trouble !== undefined, trouble)
  return render('overlays/production', [component])
}

test('every rule has a mistake that it finds', () => {
  const planted = new Set(PLANTED.map(({ rule }) => rule))
  expect(RULES.map(({ id }) => id).filter(id => !planted.has(id))).toEqual([])
})

test.for(PLANTED.map((planted): [string, string, Planted] => [planted.rule, planted.mistake, planted]))(
  '%s finds %s',
  ([rule, , planted], context) => {
    const objects = withMistake(production(context, 'keda'), planted)
    const found = policyProblems(objects).filter(text => text.startsWith(`${rule}: `))
    expect(found).not.toEqual([])
  },
)

/** Object, where, what; and what the schema says of it. */
const REFUSED: readonly (readonly [object: string, at: string, value: unknown, says: string])[] = [
  ['Deployment errand-worker', 'spec/replicaCount', 2, 'replicaCount'],
  ['Deployment errand-worker', 'spec/template/spec/containers/0/readinesProbe', {}, 'readinesProbe'],
  ['Deployment errand-worker', 'spec/template/spec/containers/0/ports/0/containerPort', 'http', 'integer'],
  ['Deployment errand-worker', 'spec/template/spec/containers/0/name', undefined, 'required'],
  ['Deployment errand-worker', 'spec/template/spec/volumes/1', { name: 'tmp', hostPath: { path: '/tmp' } }, 'hostPath'],
  ['PodDisruptionBudget errand-worker', 'spec/maxUnavailible', 1, 'maxUnavailible'],
  ['NetworkPolicy errand-egress', 'spec/egress/0/from', [], 'from'],
  ['Job errand-topics', 'spec/template/spec/restartpolicy', 'Never', 'restartpolicy'],
  ['ServiceAccount errand-worker', 'automountToken', false, 'automountToken'],
  ['ConfigMap errand-config', 'data/ERRAND_HTTP_PORT', 9464, 'string'],
  ['Deployment errand-reaper', 'apiVersion', 'apps/v1beta1', 'no schema of apps/v1beta1 Deployment'],
  ['ScaledObject errand-worker', 'spec/minReplicas', 1, 'minReplicas'],
  ['ScaledObject errand-worker', 'spec/triggers/0/metadata/threshold', 100, 'string'],
  ['TriggerAuthentication errand-kafka', 'spec/secretTargetRefs', [], 'secretTargetRefs'],
  ['KafkaTopic shop.delay', 'spec/partition', 4, 'partition'],
  ['KafkaTopic shop.delay', 'apiVersion', 'kafka.strimzi.io/v1beta2', 'no schema of kafka.strimzi.io/v1beta2'],
  ['HorizontalPodAutoscaler errand-worker', 'spec/behaviour', {}, 'behaviour'],
  ['PodMonitor errand', 'spec/podMetricsEndpoints/0/intervall', '15s', 'intervall'],
  ['PrometheusRule errand', 'spec/groups/0/rule', [], 'rule'],
]

const COMPONENT_OF: Readonly<Record<string, string>> = {
  KafkaTopic: 'strimzi',
  HorizontalPodAutoscaler: 'hpa',
  PodMonitor: 'pod-monitor',
  PrometheusRule: 'alerts',
}

describe.each(KUBERNETES_VERSIONS)('the schemas of Kubernetes %s', version => {
  test.for(REFUSED)('refuse %s with %s %j', ([object, at, value, says], context) => {
    const component = COMPONENT_OF[object.split(' ')[0] ?? ''] ?? 'keda'
    const objects = withMistake(production(context, component), { object, at, value, rule: '', mistake: '' })
    const problems = objects.flatMap(one => schemaProblems(one, version))
    expect(problems.join('\n')).toContain(says)
  })
})

test.for([
  [
    'a setting that differs',
    'KafkaTopic shop.send-invoice.high',
    'spec/config/retention.ms',
    604_800_000,
    'retention.ms',
  ],
  ['a setting that is missing', 'KafkaTopic shop.delay', 'spec/config/cleanup.policy', undefined, 'cleanup.policy'],
  ['fewer partitions', 'KafkaTopic shop.send-invoice.low', 'spec/partitions', 2, 'partitions is 2'],
  [
    'a missing lane',
    'KafkaTopic shop.send-invoice.low',
    'metadata/name',
    'shop.other.low',
    'shop.send-invoice.low: is missing',
  ],
] as const)("comparing Strimzi's topics finds %s", ([, object, at, value, says], context) => {
  const objects = withMistake(production(context, 'strimzi'), { object, at, value, rule: '', mistake: '' })
  expect(topicDifferences(objects).join('\n')).toContain(says)
})
