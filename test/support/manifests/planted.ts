// Mistakes, one for every way in which a rule can be broken: where in the objects, and what is put there.

import type { Manifest } from './objects.ts'

/** A mistake in what production with KEDA yields, and the rule that has to find it. */
export interface Planted {
  readonly rule: string
  readonly mistake: string
  /** The object, as `Kind name`; the longest beginning that fits, since ConfigMaps have a hash in their names. */
  readonly object: string
  /** Where in it: names and positions, separated by slashes. */
  readonly at: string
  /** What is put there; undefined takes it away. */
  readonly value: unknown
}

const POD = 'spec/template/spec'
const CONTAINER = `${POD}/containers/0`
const WORKER = 'Deployment errand-worker'
const REAPER = 'Deployment errand-reaper'
const TOPICS = 'Job errand-topics'
const CONFIG = 'ConfigMap errand-config'
const SCALER = 'ScaledObject errand-worker'

/** Every planted mistake. */
export const PLANTED: readonly Planted[] = [
  plant('probes', 'a missing probe', WORKER, `${CONTAINER}/livenessProbe`, undefined),
  plant('probes', 'a path that nobody serves', WORKER, `${CONTAINER}/livenessProbe/httpGet/path`, '/healthz'),
  plant('probes', 'readiness as liveness', REAPER, `${CONTAINER}/livenessProbe/httpGet/path`, '/readyz'),
  plant('probes', 'a port that is not there', WORKER, `${CONTAINER}/startupProbe/httpGet/port`, 'metrics'),
  plant('resources', 'no limit of memory', WORKER, `${CONTAINER}/resources/limits/memory`, undefined),
  plant('resources', 'no requests', TOPICS, `${CONTAINER}/resources/requests`, undefined),
  plant('resources', 'a heap as large as the limit', WORKER, `${CONTAINER}/resources/limits/memory`, '512Mi'),
  plant('resources', 'no heap limit', REAPER, `${CONTAINER}/env`, []),
  plant('restricted', 'root', WORKER, `${POD}/securityContext/runAsUser`, 0),
  plant('restricted', 'perhaps root', WORKER, `${POD}/securityContext/runAsNonRoot`, undefined),
  plant('restricted', 'no seccomp profile', WORKER, `${POD}/securityContext/seccompProfile`, undefined),
  plant(
    'restricted',
    'a root that can be written to',
    WORKER,
    `${CONTAINER}/securityContext/readOnlyRootFilesystem`,
    false,
  ),
  plant('restricted', 'capabilities', TOPICS, `${CONTAINER}/securityContext/capabilities/drop`, []),
  plant('restricted', 'an added capability', WORKER, `${CONTAINER}/securityContext/capabilities/add`, ['NET_ADMIN']),
  plant('restricted', 'escalation', REAPER, `${CONTAINER}/securityContext/allowPrivilegeEscalation`, undefined),
  plant('restricted', 'a privileged container', REAPER, `${CONTAINER}/securityContext/privileged`, true),
  plant('restricted', 'the network of the node', WORKER, `${POD}/hostNetwork`, true),
  plant('restricted', 'no /tmp', WORKER, `${CONTAINER}/volumeMounts/1`, { name: 'tmp', mountPath: '/var/tmp' }),
  plant('pinned-images', 'latest', WORKER, `${CONTAINER}/image`, 'registry.example/shop/errand:latest'),
  plant(
    'pinned-images',
    'no tag at a registry with a port',
    WORKER,
    `${CONTAINER}/image`,
    'registry.example:5000/errand',
  ),
  plant('rollout', 'a pod may be missing', WORKER, 'spec/strategy/rollingUpdate/maxUnavailable', 1),
  plant('rollout', 'the default', REAPER, 'spec/strategy', undefined),
  plant('spread', 'no spread', WORKER, `${POD}/topologySpreadConstraints`, []),
  plant('spread', 'a spread of others', WORKER, `${POD}/topologySpreadConstraints/0/labelSelector/matchLabels`, {
    app: 'x',
  }),
  plant('no-token', 'a token', WORKER, `${POD}/automountServiceAccountToken`, undefined),
  plant('no-token', 'an account that is not there', WORKER, `${POD}/serviceAccountName`, 'worker'),
  plant('no-token', 'an account with a token', 'ServiceAccount errand-reaper', 'automountServiceAccountToken', true),
  plant('no-service-links', 'variables for every Service', REAPER, `${POD}/enableServiceLinks`, undefined),
  plant('grace', 'killed in its drain', WORKER, `${POD}/terminationGracePeriodSeconds`, 30),
  plant('grace', 'the default', WORKER, `${POD}/terminationGracePeriodSeconds`, undefined),
  plant('grace', 'a longer drain', CONFIG, 'data/ERRAND_WORKER_GRACE', '60s'),
  plant('commands', 'a command that is not there', WORKER, `${CONTAINER}/args`, ['work']),
  plant('commands', 'a flag that is not there', TOPICS, `${CONTAINER}/args/2`, '--type=send-invoice'),
  plant('commands', 'no lanes for bulk work', TOPICS, `${CONTAINER}/args/2`, '--types=send-invoice'),
  plant('known-variables', 'a misspelt setting', CONFIG, 'data/ERRAND_WORKER_CONCURENCY', '50'),
  plant('known-variables', 'a misspelt variable', CONFIG, 'data/OTEL_EXPORTER_OTLP_ENDPONT', 'http://x:4318'),
  plant('settings', 'a value that is not taken', CONFIG, 'data/ERRAND_WORKER_CONCURRENCY', 'many'),
  plant('settings', 'no Kafka', CONFIG, 'data/ERRAND_KAFKA_BROKERS', undefined),
  plant('settings', 'no settings', WORKER, `${CONTAINER}/envFrom`, []),
  plant(
    'mounted-files',
    'a file that no secret has',
    CONFIG,
    'data/ERRAND_KAFKA_SASL_PASSWORD_FILE',
    '/etc/errand/secrets/pass',
  ),
  plant(
    'mounted-files',
    'a folder that is not mounted',
    CONFIG,
    'data/ERRAND_KAFKA_TLS_CA_FILE',
    '/etc/ssl/kafka-ca.crt',
  ),
  plant('probes-reach', 'loopback', CONFIG, 'data/ERRAND_HTTP_HOST', '127.0.0.1'),
  plant('probes-reach', 'another port', CONFIG, 'data/ERRAND_HTTP_PORT', '8080'),
  plant(
    'references',
    'a ConfigMap that is not there',
    WORKER,
    `${CONTAINER}/envFrom/0/configMapRef/name`,
    'errand-settings',
  ),
  plant(
    'references',
    'a Secret that is not there',
    WORKER,
    `${POD}/volumes/0/projected/sources/0/secret/name`,
    'kafka',
  ),
  plant(
    'references',
    'a key that is not there',
    WORKER,
    `${POD}/volumes/0/projected/sources/0/secret/items/0/key`,
    'pw',
  ),
  plant('services', 'a Service that leads nowhere', 'new', '', {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'errand', namespace: 'errand' },
    spec: { selector: { app: 'errand' } },
  }),
  plant('namespace', 'somewhere else', REAPER, 'metadata/namespace', 'default'),
  plant('namespace', 'pods that are not restricted', 'Namespace errand', 'metadata/labels', {}),
  plant('budgets', 'a budget that protects nothing', 'PodDisruptionBudget errand-worker', 'spec/selector/matchLabels', {
    app: 'x',
  }),
  plant(
    'budgets',
    'a budget that lets no node be drained',
    'PodDisruptionBudget errand-reaper',
    'spec/maxUnavailable',
    0,
  ),
  plant('budgets', 'a budget for all', 'PodDisruptionBudget errand-reaper', 'spec/selector/matchLabels', {
    'app.kubernetes.io/part-of': 'errand',
  }),
  plant('selectors', 'the pods of another', WORKER, 'spec/selector/matchLabels', {
    'app.kubernetes.io/part-of': 'errand',
  }),
  plant('selectors', 'not its own pods', WORKER, 'spec/selector/matchLabels', { app: 'worker' }),
  plant('default-deny', 'only what comes in', 'NetworkPolicy errand-default-deny', 'spec/policyTypes', ['Ingress']),
  plant('default-deny', 'other pods', 'NetworkPolicy errand-default-deny', 'spec/podSelector/matchLabels', {
    app: 'x',
  }),
  plant('egress', 'every port', 'NetworkPolicy errand-egress', 'spec/egress/1/ports', undefined),
  plant('egress', "not Kafka's port", CONFIG, 'data/ERRAND_KAFKA_BROKERS', 'kafka.example:9095'),
  plant('egress', "not Redis's port", CONFIG, 'data/ERRAND_REDIS_URL', 'rediss://redis.example'),
  plant('egress', "not the collector's port", CONFIG, 'data/OTEL_EXPORTER_OTLP_ENDPOINT', 'http://collector:4317'),
  plant('metrics-ingress', 'nobody comes in', 'NetworkPolicy errand-metrics', 'spec/ingress/0/ports/0/port', 'https'),
  plant('metrics-ingress', 'everybody comes in', 'NetworkPolicy errand-metrics', 'spec/ingress/0/from', undefined),
  plant('peers', 'a policy about nobody', 'NetworkPolicy errand-handlers-egress', 'spec/podSelector/matchLabels', {
    app: 'x',
  }),
  plant('peers', 'a peer that is nobody', 'NetworkPolicy errand-egress', 'spec/egress/1/to/0', {
    podSelector: { matchLabels: { app: 'kafka' } },
  }),
  plant('scale-target', 'nothing to scale', SCALER, 'spec/scaleTargetRef/name', 'worker'),
  plant('scale-target', 'two who say how many', WORKER, 'spec/replicas', 3),
  plant('scale-bounds', 'to zero', SCALER, 'spec/minReplicaCount', 0),
  plant('scale-bounds', 'more than partitions', SCALER, 'spec/maxReplicaCount', 5),
  plant('scale-bounds', 'fewer partitions', CONFIG, 'data/ERRAND_TOPICS_PARTITIONS', '2'),
  plant(
    'scale-figures',
    'a figure that is not there',
    SCALER,
    'spec/triggers/0/metadata/query',
    'sum(errand_lane_waiting)',
  ),
  plant(
    'scale-figures',
    'a label that is not there',
    SCALER,
    'spec/triggers/0/metadata/query',
    'max by (errand_type) (errand_lane_pending)',
  ),
  plant('scale-figures', 'no figure', SCALER, 'spec/triggers/0/metadata/query', 'up'),
  plant(
    'scale-lane',
    'a lane of another namespace',
    SCALER,
    'spec/triggers/1/metadata/topic',
    'store.send-invoice.normal',
  ),
  plant('scale-lane', 'another group', SCALER, 'spec/triggers/1/metadata/consumerGroup', 'shop.send-invoice'),
  plant('scale-lane', 'another Kafka', SCALER, 'spec/triggers/1/metadata/bootstrapServers', 'kafka:9092'),
  plant('scale-lane', 'lag that is left out', SCALER, 'spec/triggers/1/metadata/excludePersistentLag', 'true'),
  plant('scale-lane', 'nobody who lets it in', SCALER, 'spec/triggers/1/authenticationRef/name', 'kafka'),
  plant(
    'scale-lane',
    'a key that is not there',
    'TriggerAuthentication errand-kafka',
    'spec/secretTargetRef/0/key',
    'user',
  ),
]

function plant(rule: string, mistake: string, object: string, at: string, value: unknown): Planted {
  return { rule, mistake, object, at, value }
}

/** The objects with the mistake in them; those given stay as they are. */
export function withMistake(objects: readonly Manifest[], { object, at, value }: Planted): Manifest[] {
  const copy = structuredClone(objects) as Manifest[]
  if (object === 'new') return [...copy, value as Manifest]
  const found = copy.find(({ kind, metadata }) => `${kind} ${metadata.name}`.startsWith(object))
  if (found === undefined) throw new Error(`there is no ${object} to plant a mistake in`)
  put(found as unknown as Record<string, unknown>, at.split('/'), value)
  return copy
}

function put(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [key = '', ...rest] = path
  if (rest.length === 0) {
    if (value === undefined) delete target[key]
    else target[key] = value
    return
  }
  const inner = target[key]
  if (typeof inner !== 'object' || inner === null) throw new Error(`there is no ${key} to plant a mistake in`)
  put(inner as Record<string, unknown>, rest, value)
}
