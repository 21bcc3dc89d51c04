// Rules about pods: what each of them has to say about its probes, its resources, its rights and its replacement.

import { HEALTH_PATHS } from '../../../src/cli/service/health-server.ts'
import type { Container, Manifest, PodSpec, Probe, Workload } from './objects.ts'
import { ofKind, selects, workloadsOf } from './objects.ts'
import type { Rule } from './rule.ts'
import { configOf } from './settings.ts'

/** What remains of the grace period after the drain: leases are given back, offsets committed, the group left. Unit: ms. */
const AFTER_DRAIN_MS_MIN = 10_000
/** The heap's share of the memory limit. Above it the kernel ends the process before Node collects its garbage. */
const HEAP_SHARE = { min: 0.4, max: 0.75 }
/** Images whose root cannot be read-only, with the reason in the manifest. */
const WRITES_TO_ROOT = new Set(['apache/kafka'])

/** Kubernetes' probe, and the path that answers it. */
const PROBES = { startupProbe: '/startupz', readinessProbe: '/readyz', livenessProbe: '/livez' } as const

/** All rules about pods. */
export const POD_RULES: readonly Rule[] = [
  rule('probes', long => long.flatMap(each => each.pod.containers.flatMap(one => probeProblems(each, one)))),
  rule('resources', (_, all) => all.flatMap(each => each.pod.containers.flatMap(one => resourceProblems(each, one)))),
  rule('restricted', (_, all) => all.flatMap(restrictedProblems)),
  rule('pinned-images', (_, all) => all.flatMap(imageProblems)),
  rule('rollout', long => long.flatMap(rolloutProblems)),
  rule('spread', long => long.filter(({ isErrand }) => isErrand).flatMap(spreadProblems)),
  rule('no-token', tokenProblems),
  rule('no-service-links', (_, all) => all.flatMap(linkProblems)),
  rule('grace', (long, _, objects) =>
    long.filter(({ isErrand }) => isErrand).flatMap(one => graceProblems(one, objects)),
  ),
]

/** `long`: those that run until they are stopped; `all`: jobs too. */
function rule(
  id: string,
  find: (long: readonly Workload[], all: readonly Workload[], objects: readonly Manifest[]) => string[],
): Rule {
  return {
    id,
    find: objects => {
      const all = workloadsOf(objects)
      const long = all.filter(({ manifest }) => manifest.kind !== 'Job')
      return find(long, all, objects)
    },
  }
}

function probeProblems({ title, isErrand }: Workload, container: Container): string[] {
  return Object.entries(PROBES).flatMap(([name, path]) => {
    const probe: Probe | undefined = container[name as keyof typeof PROBES]
    if (probe === undefined) return [`${title}: ${container.name} has no ${name}`]
    if (!isErrand) return []
    const { path: asked, port } = probe.httpGet ?? {}
    const isServed = asked === path && (HEALTH_PATHS as readonly string[]).includes(path)
    const isNamed = container.ports?.some(({ name: portName }) => portName === port) === true
    return [
      ...(isServed ? [] : [`${title}: ${name} asks ${asked ?? 'nothing'}, and ${path} is what answers it`]),
      ...(isNamed ? [] : [`${title}: ${name} asks port ${port ?? '-'}, which the container does not have`]),
    ]
  })
}

function resourceProblems({ title, isErrand }: Workload, { name, resources, env }: Container): string[] {
  const missing = (['requests', 'limits'] as const).flatMap(side =>
    ['cpu', 'memory'].flatMap(what =>
      resources?.[side]?.[what] === undefined ? [`${title}: ${name} has no ${side} of ${what}`] : [],
    ),
  )
  if (!isErrand || missing.length > 0) return missing
  const options = env?.find(variable => variable.name === 'NODE_OPTIONS')?.value ?? ''
  const heap = /^--max-old-space-size=(\d+)$/.exec(options)?.[1]
  if (heap === undefined) return [`${title}: ${name} has no heap limit in NODE_OPTIONS`]
  const share = Number(heap) / mebibytes(resources?.limits?.['memory'] ?? '')
  if (share >= HEAP_SHARE.min && share <= HEAP_SHARE.max) return []
  return [`${title}: a heap of ${heap} MiB is ${share.toFixed(2)} of the memory limit`]
}

function mebibytes(quantity: string): number {
  const [, amount, unit] = /^(\d+)(Mi|Gi)$/.exec(quantity) ?? []
  return Number(amount) * (unit === 'Gi' ? 1_024 : 1)
}

/** The profile `restricted` of Kubernetes' pod security standards, and a read-only root on top. */
function restrictedProblems({ title, pod }: Workload): string[] {
  const { securityContext: own, hostNetwork, hostPID, hostIPC } = pod
  return [
    ...problem(own?.runAsNonRoot !== true, `${title}: may run as root`),
    ...problem((own?.runAsUser ?? 0) < 1, `${title}: does not say as which user it runs`),
    ...problem(own?.seccompProfile?.type !== 'RuntimeDefault', `${title}: has no seccomp profile`),
    ...problem(hostNetwork ?? hostPID ?? hostIPC ?? false, `${title}: shares something with its node`),
    ...pod.containers.flatMap(container => containerProblems(title, container, pod)),
  ]
}

function containerProblems(
  title: string,
  { name, image, securityContext, volumeMounts }: Container,
  pod: PodSpec,
): string[] {
  const { allowPrivilegeEscalation, capabilities, privileged, readOnlyRootFilesystem } = securityContext ?? {}
  const tmp = volumeMounts?.find(({ mountPath }) => mountPath === '/tmp')
  const hasTmp = pod.volumes?.some(volume => volume.name === tmp?.name && volume.emptyDir !== undefined) === true
  const needsTmp = image.split(':')[0]?.endsWith('errand') === true
  const isReadOnly = readOnlyRootFilesystem === true || WRITES_TO_ROOT.has(image.split(':')[0] ?? '')
  return [
    ...problem(allowPrivilegeEscalation !== false, `${title}: ${name} may gain privileges`),
    ...problem(privileged === true, `${title}: ${name} is privileged`),
    ...problem(capabilities?.drop?.includes('ALL') !== true, `${title}: ${name} keeps capabilities`),
    ...problem((capabilities?.add ?? []).length > 0, `${title}: ${name} adds capabilities`),
    ...problem(!isReadOnly, `${title}: ${name} can write to its root`),
    ...problem(needsTmp && !hasTmp, `${title}: ${name} has a read-only root and no /tmp`),
  ]
}

function imageProblems({ title, pod }: Workload): string[] {
  return pod.containers.flatMap(({ image }) =>
    /:[\w][\w.-]*$/.test(image) && !image.endsWith(':latest') ? [] : [`${title}: ${image} has no fixed tag`],
  )
}

function rolloutProblems({ title, manifest }: Workload): string[] {
  if (manifest.kind !== 'Deployment') return []
  const { maxUnavailable } = manifest.spec?.strategy?.rollingUpdate ?? {}
  return problem(
    maxUnavailable !== 0,
    `${title}: a rollout may take ${maxUnavailable ?? '25 %'} of its pods away first`,
  )
}

function spreadProblems({ title, pod, labels }: Workload): string[] {
  const spreads = pod.topologySpreadConstraints ?? []
  const missing = ['topology.kubernetes.io/zone', 'kubernetes.io/hostname'].filter(
    key => !spreads.some(({ topologyKey }) => topologyKey === key),
  )
  const blind = spreads.filter(({ labelSelector }) => !selects(labelSelector?.matchLabels, labels))
  return [
    ...missing.map(key => `${title}: is not spread over ${key}`),
    ...blind.map(({ topologyKey }) => `${title}: what is spread over ${topologyKey} are other pods`),
  ]
}

function tokenProblems(_: readonly Workload[], all: readonly Workload[], objects: readonly Manifest[]): string[] {
  const accounts = ofKind(objects, 'ServiceAccount')
  return all.flatMap(({ title, pod, isErrand }) => {
    const account = accounts.find(({ metadata }) => metadata.name === pod.serviceAccountName)
    return [
      ...problem(pod.automountServiceAccountToken !== false, `${title}: carries a token of the cluster`),
      ...problem(
        isErrand && account === undefined,
        `${title}: ${pod.serviceAccountName ?? 'default'} is no account here`,
      ),
      ...problem(account?.automountServiceAccountToken === true, `${title}: its account hands out tokens`),
    ]
  })
}

/** A Service called errand-console becomes ERRAND_CONSOLE_PORT in every pod of its namespace: a setting that nobody made. */
function linkProblems({ title, pod }: Workload): string[] {
  return problem(pod.enableServiceLinks !== false, `${title}: gets a variable for every Service`)
}

function graceProblems({ title, pod }: Workload, objects: readonly Manifest[]): string[] {
  return pod.containers.flatMap(container => {
    const graceMs = configOf(container, objects)?.worker.grace
    if (graceMs === undefined) return [] // told by the rule about settings
    const periodMs = (pod.terminationGracePeriodSeconds ?? 30) * 1_000
    const isLong = periodMs >= graceMs + AFTER_DRAIN_MS_MIN
    return problem(!isLong, `${title}: is killed after ${periodMs} ms, and a drain alone may take ${graceMs} ms`)
  })
}

function problem(isWrong: boolean, text: string): string[] {
  return isWrong ? [text] : []
}
