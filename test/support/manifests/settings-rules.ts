// Rules about what containers are told: commands that exist, settings that `errand` takes, and files that are really mounted.

import { SETTINGS } from '../../../src/cli/config/settings.ts'
import { saidBy } from '../../../src/core/errors.ts'
import { OPERATION_TYPE } from '../../../src/operations/operation.ts'
import type { Container, KeyItem, Labels, Manifest, Volume, Workload } from './objects.ts'
import { ofKind, selects, titleOf, workloadsOf } from './objects.ts'
import type { Rule } from './rule.ts'
import { commandLineOf, commandNamed, environmentOf, flagsOf, loadedOf } from './settings.ts'

/** Secrets that no manifest makes, with the keys that the documentation says they have. */
export const OUTSIDE_SECRETS: Readonly<Record<string, readonly string[]>> = {
  'errand-kafka': ['username', 'password', 'ca.crt'],
  'errand-redis': ['password', 'ca.crt'],
  'errand-console': ['act-token', 'view-token'],
}

/** OpenTelemetry's variables that manifests use. */
const OTEL_VARIABLES = new Set([
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'OTEL_EXPORTER_OTLP_PROTOCOL',
  'OTEL_RESOURCE_ATTRIBUTES',
  'OTEL_SDK_DISABLED',
  'OTEL_SERVICE_NAME',
])
const OTHER_VARIABLES = new Set(['NODE_OPTIONS', 'POD_NAME'])
/** Everywhere: a probe comes from outside of the pod. */
const ANY_ADDRESS = '0.0.0.0'

/** All rules about settings. */
export const SETTINGS_RULES: readonly Rule[] = [
  ofErrand('commands', commandProblems),
  ofErrand('known-variables', variableProblems),
  ofErrand('settings', settingProblems),
  ofErrand('mounted-files', fileProblems),
  ofErrand('probes-reach', reachProblems),
  { id: 'references', find: objects => workloadsOf(objects).flatMap(workload => referenceProblems(workload, objects)) },
  { id: 'services', find: serviceProblems },
  { id: 'namespace', find: namespaceProblems },
]

type ContainerCheck = (
  title: string,
  container: Container,
  objects: readonly Manifest[],
  workload: Workload,
) => string[]

function ofErrand(id: string, check: ContainerCheck): Rule {
  return {
    id,
    find: objects =>
      workloadsOf(objects)
        .filter(({ isErrand }) => isErrand)
        .flatMap(one => one.pod.containers.flatMap(container => check(one.title, container, objects, one))),
  }
}

function commandProblems(title: string, { args }: Container): string[] {
  const { command: name, flags } = commandLineOf(args ?? [])
  const command = commandNamed(name)
  if (command === undefined) return [`${title}: there is no command errand ${name}`]
  const known = flagsOf(command)
  const unknown = [...flags.keys()].filter(flag => !known.has(flag))
  const types = flags.get('types')
  const isForgotten =
    name.startsWith('topics') && types !== undefined && !String(types).split(',').includes(OPERATION_TYPE)
  return [
    ...unknown.map(flag => `${title}: errand ${name} has no --${flag}`),
    ...(isForgotten ? [`${title}: --types leaves out ${OPERATION_TYPE}, without which there is no bulk work`] : []),
  ]
}

function variableProblems(title: string, container: Container, objects: readonly Manifest[]): string[] {
  const settings = new Set(SETTINGS.map(({ env }) => env))
  const isKnown = (name: string): boolean => settings.has(name) || OTEL_VARIABLES.has(name) || OTHER_VARIABLES.has(name)
  return Object.keys(environmentOf(container, objects)).flatMap(name =>
    isKnown(name) ? [] : [`${title}: nobody reads ${name}`],
  )
}

function settingProblems(title: string, container: Container, objects: readonly Manifest[]): string[] {
  try {
    loadedOf(container, objects)
    return []
  } catch (error) {
    return [`${title}: ${saidBy(error)}`]
  }
}

/** Every setting that names a file below a mount has to be found in what is mounted there. */
function fileProblems(title: string, container: Container, objects: readonly Manifest[], { pod }: Workload): string[] {
  const environment = environmentOf(container, objects)
  const mounts = container.volumeMounts ?? []
  return SETTINGS.flatMap(({ name, env }) => {
    const path = environment[env]
    if (path === undefined || !name.endsWith('_file')) return []
    const mount = mounts.find(({ mountPath }) => path.startsWith(`${mountPath}/`))
    const volume = pod.volumes?.find(one => one.name === mount?.name)
    if (mount === undefined || volume === undefined) return [`${title}: ${env} is ${path}, where nothing is mounted`]
    const file = path.slice(mount.mountPath.length + 1)
    return filesOf(volume, objects).includes(file)
      ? []
      : [`${title}: ${env} is ${path}, and ${volume.name} has no ${file}`]
  })
}

function filesOf(volume: Volume, objects: readonly Manifest[]): string[] {
  const fileOf = ({ path }: KeyItem): string => path
  const { configMap, secret, projected } = volume
  const all = (name: string): string[] =>
    Object.keys(
      [...ofKind(objects, 'Secret'), ...ofKind(objects, 'ConfigMap')].find(one => one.metadata.name === name)?.data ??
        {},
    )
  return [
    ...(configMap === undefined ? [] : all(configMap.name)),
    ...(secret === undefined ? [] : (secret.items?.map(fileOf) ?? all(secret.secretName))),
    ...(projected?.sources ?? []).flatMap(source => {
      const part = source.secret ?? source.configMap
      return part === undefined ? [] : (part.items?.map(fileOf) ?? all(part.name))
    }),
  ]
}

function reachProblems(title: string, container: Container, objects: readonly Manifest[]): string[] {
  if (container.readinessProbe === undefined) return []
  const { ERRAND_HTTP_HOST: host, ERRAND_HTTP_PORT: port } = environmentOf(container, objects)
  const named = container.ports?.find(({ name }) => name === 'http')?.containerPort
  return [
    ...(host === ANY_ADDRESS ? [] : [`${title}: answers probes at ${host ?? 'loopback'} only, where nobody asks`]),
    ...(String(named) === port ? [] : [`${title}: its port http is ${named ?? '-'}, and it listens at ${port ?? '-'}`]),
  ]
}

function referenceProblems({ title, pod }: Workload, objects: readonly Manifest[]): string[] {
  const named = [
    ...(pod.volumes ?? []).flatMap(({ secret, configMap, projected }) => [
      ...(secret === undefined ? [] : [{ kind: 'Secret', name: secret.secretName, keys: keysOf(secret.items) }]),
      ...(configMap === undefined ? [] : [{ kind: 'ConfigMap', name: configMap.name, keys: [] }]),
      ...(projected?.sources ?? []).flatMap(source =>
        source.secret === undefined
          ? []
          : [{ kind: 'Secret', name: source.secret.name, keys: keysOf(source.secret.items) }],
      ),
    ]),
    ...pod.containers.flatMap(({ envFrom, env }) => [
      ...(envFrom ?? []).map(({ configMapRef, secretRef }) => ({
        ...{ kind: configMapRef === undefined ? 'Secret' : 'ConfigMap', keys: [] },
        name: configMapRef?.name ?? secretRef?.name ?? '',
      })),
      ...(env ?? []).flatMap(({ valueFrom }) =>
        valueFrom?.secretKeyRef === undefined ? [] : [{ kind: 'Secret', name: valueFrom.secretKeyRef.name, keys: [] }],
      ),
    ]),
  ]
  return named.flatMap(({ kind, name, keys }) => {
    const found = ofKind(objects, kind).find(({ metadata }) => metadata.name === name)
    const known = found === undefined ? OUTSIDE_SECRETS[name] : Object.keys(found.data ?? {})
    if (known === undefined) return [`${title}: there is no ${kind} ${name}`]
    return keys.filter(key => !known.includes(key)).map(key => `${title}: ${kind} ${name} has no key ${key}`)
  })
}

function keysOf(items: readonly KeyItem[] | undefined): string[] {
  return (items ?? []).map(({ key }) => key)
}

function serviceProblems(objects: readonly Manifest[]): string[] {
  const workloads = workloadsOf(objects)
  return ofKind(objects, 'Service').flatMap(service => {
    const selector: Labels = service.spec?.selector ?? {}
    return workloads.some(({ labels }) => selects(selector, labels)) ? [] : [`${titleOf(service)}: leads to no pod`]
  })
}

/** One namespace for all, and one that refuses pods that are not restricted. */
function namespaceProblems(objects: readonly Manifest[]): string[] {
  const [namespace] = ofKind(objects, 'Namespace')
  if (namespace === undefined) return ['there is no Namespace']
  const enforced = namespace.metadata.labels?.['pod-security.kubernetes.io/enforce']
  const elsewhere = objects.filter(
    ({ kind, metadata }) => kind !== 'Namespace' && metadata.namespace !== namespace.metadata.name,
  )
  return [
    ...(enforced === 'restricted' ? [] : [`${titleOf(namespace)}: takes pods that are not restricted`]),
    ...elsewhere.map(object => `${titleOf(object)}: is in ${object.metadata.namespace ?? 'no namespace'}`),
  ]
}
