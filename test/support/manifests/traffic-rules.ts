// Rules about what lies between pods: who may talk to whom, and how many may be taken away at once.

import type { Container, Manifest, Peer, TrafficRule, Workload } from './objects.ts'
import { ofKind, selects, titleOf, workloadsOf } from './objects.ts'
import type { Rule } from './rule.ts'
import { configOf, environmentOf } from './settings.ts'

/** Where a port is not written into an address, the usual one. */
const USUAL_PORTS = { dns: 53, redis: 6_379 } as const

/** All rules about traffic and disruption. */
export const TRAFFIC_RULES: readonly Rule[] = [
  { id: 'budgets', find: budgetProblems },
  { id: 'selectors', find: selectorProblems },
  { id: 'default-deny', find: objects => errandIn(objects).flatMap(one => denyProblems(one, objects)) },
  { id: 'egress', find: objects => errandIn(objects).flatMap(one => egressProblems(one, objects)) },
  { id: 'metrics-ingress', find: objects => errandIn(objects).flatMap(one => ingressProblems(one, objects)) },
  { id: 'peers', find: peerProblems },
]

function errandIn(objects: readonly Manifest[]): Workload[] {
  return workloadsOf(objects).filter(({ isErrand }) => isErrand)
}

/** One budget for each Deployment, which lets a node be drained. */
function budgetProblems(objects: readonly Manifest[]): string[] {
  const deployments = workloadsOf(objects).filter(({ manifest }) => manifest.kind === 'Deployment')
  const budgets = ofKind(objects, 'PodDisruptionBudget')
  const selected = (budget: Manifest): Workload[] =>
    deployments.filter(({ labels }) => selects(budget.spec?.selector?.matchLabels, labels))
  return [
    ...deployments.flatMap(deployment => {
      const own = budgets.filter(budget => selected(budget).includes(deployment))
      return own.length === 1 ? [] : [`${deployment.title}: has ${own.length} disruption budgets`]
    }),
    ...budgets.flatMap(budget => [
      ...(selected(budget).length > 0 ? [] : [`${titleOf(budget)}: protects nothing`]),
      ...(budget.spec?.maxUnavailable === 1 ? [] : [`${titleOf(budget)}: does not let go of one pod at a time`]),
    ]),
  ]
}

/** A Deployment selects its own pods, and those of no other. */
function selectorProblems(objects: readonly Manifest[]): string[] {
  const workloads = workloadsOf(objects).filter(({ manifest }) => manifest.spec?.selector !== undefined)
  return workloads.flatMap(({ title, manifest }) => {
    const selected = workloads.filter(({ labels }) => selects(manifest.spec?.selector?.matchLabels, labels))
    const others = selected.filter(other => other.title !== title)
    return [
      ...(selected.length > others.length ? [] : [`${title}: does not select its own pods`]),
      ...others.map(other => `${title}: selects the pods of ${other.title} too`),
    ]
  })
}

function denyProblems({ title, labels }: Workload, objects: readonly Manifest[]): string[] {
  const denied = policiesFor(labels, objects).filter(
    ({ spec }) => spec?.ingress === undefined && spec?.egress === undefined,
  )
  return ['Ingress', 'Egress'].flatMap(direction =>
    denied.some(({ spec }) => spec?.policyTypes?.includes(direction) === true)
      ? []
      : [`${title}: no policy denies ${direction.toLowerCase()} by default`],
  )
}

/** Whatever its settings say that it talks to has to be let out, and it may not talk to everybody. */
function egressProblems({ title, labels, pod }: Workload, objects: readonly Manifest[]): string[] {
  const rules = policiesFor(labels, objects).flatMap(({ spec }) => spec?.egress ?? [])
  const isOpen = rules.some(({ ports }) => ports === undefined || ports.length === 0)
  const needed = pod.containers.flatMap(container => portsCalled(container, objects))
  const closed = needed.filter(({ port }) => !rules.some(rule => lets(rule, port)))
  return [
    ...(isOpen ? [`${title}: may talk to every port`] : []),
    ...closed.map(({ what, port }) => `${title}: is not let out to ${what} at port ${port}`),
  ]
}

function portsCalled(
  container: Container,
  objects: readonly Manifest[],
): { readonly what: string; readonly port: number }[] {
  const { kafka, redis } = configOf(container, objects) ?? {}
  const { OTEL_EXPORTER_OTLP_ENDPOINT: collector } = environmentOf(container, objects)
  const portOf = (url: string, usual: number): number => Number(new URL(url).port || usual)
  return [
    { what: 'DNS', port: USUAL_PORTS.dns },
    ...(kafka?.brokers ?? []).map(broker => ({ what: broker, port: Number(broker.split(':').at(-1)) })),
    ...(redis?.url === undefined ? [] : [{ what: 'Redis', port: portOf(redis.url, USUAL_PORTS.redis) }]),
    ...(collector === undefined ? [] : [{ what: 'the collector', port: portOf(collector, 4_318) }]),
  ]
}

function lets({ ports }: TrafficRule, port: number): boolean {
  return ports?.some(one => one.port === port) === true
}

function ingressProblems({ title, labels, pod }: Workload, objects: readonly Manifest[]): string[] {
  const names = pod.containers.flatMap(({ ports }) => (ports ?? []).map(({ name }) => name))
  if (names.length === 0) return []
  const rules = policiesFor(labels, objects).flatMap(({ spec }) => spec?.ingress ?? [])
  const isReached = rules.some(({ ports }) => ports?.some(({ port }) => port === 'http') === true)
  const isOpen = rules.some(({ from }) => from === undefined || from.length === 0)
  return [
    ...(isReached ? [] : [`${title}: nobody is let in to /metrics`]),
    ...(isOpen ? [`${title}: everybody is let in`] : []),
  ]
}

/** A policy or a peer that selects pods of this namespace has to select some. */
function peerProblems(objects: readonly Manifest[]): string[] {
  const workloads = workloadsOf(objects)
  const isSomebody = (peer: Peer): boolean =>
    peer.podSelector === undefined ||
    peer.namespaceSelector !== undefined ||
    workloads.some(({ labels }) => selects(peer.podSelector?.matchLabels, labels))
  return ofKind(objects, 'NetworkPolicy').flatMap(policy => {
    const { podSelector, ingress, egress } = policy.spec ?? {}
    const peers = [...(ingress ?? []), ...(egress ?? [])].flatMap(({ from, to }) => [...(from ?? []), ...(to ?? [])])
    const isUsed = workloads.some(({ labels }) => selects(podSelector?.matchLabels, labels))
    return [
      ...(isUsed ? [] : [`${titleOf(policy)}: is about no pod`]),
      ...peers
        .filter(peer => !isSomebody(peer))
        .map(({ podSelector: nobody }) => {
          return `${titleOf(policy)}: ${JSON.stringify(nobody?.matchLabels)} is nobody`
        }),
    ]
  })
}

function policiesFor(labels: Workload['labels'], objects: readonly Manifest[]): Manifest[] {
  return ofKind(objects, 'NetworkPolicy').filter(({ spec }) => selects(spec?.podSelector?.matchLabels, labels))
}
