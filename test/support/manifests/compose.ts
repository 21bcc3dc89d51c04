// The compose file, and what it has to keep to beside its schema.

import { SETTINGS } from '../../../src/cli/config/settings.ts'
import { loadConfig } from '../../../src/cli/config/load.ts'
import { REQUIRED_TO_CONNECT } from '../../../src/cli/config/storage-options.ts'
import { parseDuration } from '../../../src/cli/duration.ts'
import { saidBy } from '../../../src/core/errors.ts'
import { commandLineOf, commandNamed, flagsOf } from './settings.ts'

/** A compose file, as far as rules look at it. */
export interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>
}

/** A service. */
export interface ComposeService {
  readonly image?: string
  readonly build?: unknown
  readonly profiles?: readonly string[]
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string | number>>
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly healthcheck?: { readonly test: readonly string[] }
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly restart?: string
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
  readonly stop_grace_period?: string
}

/** What the file is compared with. */
export interface ComposeFacts {
  /** The version of the package, which is the image's tag. */
  readonly version: string
  /** Whether a path, from the repository's root, is there. */
  readonly exists: (path: string) => boolean
}

/** What remains after the drain. Unit: ms. */
const AFTER_DRAIN_MS_MIN = 10_000

/** A text with `${NAME:-default}` replaced by the default, as for somebody who sets nothing. */
export function withDefaults(text: string): string {
  return text.replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1')
}

/** What is wrong with a compose file that keeps to its schema. */
export function composePolicyProblems(file: ComposeFile, facts: ComposeFacts): string[] {
  const always = Object.entries(file.services).filter(([, { profiles }]) => (profiles ?? []).length === 0)
  const names = always.map(([name]) => name).toSorted()
  return [
    ...(names.join() === 'kafka,redis'
      ? []
      : [`default: ${names.join()} start without a profile, not Kafka and Redis`]),
    ...Object.entries(file.services).flatMap(([name, service]) =>
      [
        ...imageProblems(service, facts),
        ...portProblems(service),
        ...healthProblems(service),
        ...orderProblems(service, file),
        ...mountProblems(service, facts),
        ...(service.build === undefined ? [] : errandProblems(service)),
      ].map(text => `${name}: ${text}`),
    ),
  ]
}

function imageProblems({ image = '', build }: ComposeService, { version }: ComposeFacts): string[] {
  if (build !== undefined) return image === `errand:${version}` ? [] : [`image: ${image} is not errand:${version}`]
  return /:[\w][\w.-]*$/.test(image) && !image.endsWith(':latest') ? [] : [`image: ${image} has no fixed tag`]
}

function portProblems({ ports = [] }: ComposeService): string[] {
  return ports
    .filter(port => !withDefaults(port).startsWith('127.0.0.1:'))
    .map(port => `port: ${port} is open to others`)
}

/** Ends by itself, and is not started again. */
function isOneShot({ restart }: ComposeService): boolean {
  return restart === 'no'
}

function healthProblems(service: ComposeService): string[] {
  return service.healthcheck === undefined && !isOneShot(service) ? ['health: nobody asks whether it is well'] : []
}

function orderProblems({ depends_on: needed = {} }: ComposeService, { services }: ComposeFile): string[] {
  return Object.entries(needed).flatMap(([name, { condition }]) => {
    const service = services[name]
    if (service === undefined) return [`order: there is no ${name}`]
    const wanted = isOneShot(service) ? 'service_completed_successfully' : 'service_healthy'
    return condition === wanted ? [] : [`order: ${name} has to be ${wanted}, not ${condition}`]
  })
}

function mountProblems({ volumes = [] }: ComposeService, { exists }: ComposeFacts): string[] {
  const files = volumes.filter(volume => volume.startsWith('./')).map(volume => volume.split(':'))
  return files.flatMap(([path = '', , mode]) => [
    ...(exists(path) ? [] : [`mount: there is no ${path}`]),
    ...(mode === 'ro' ? [] : [`mount: ${path} can be written to`]),
  ])
}

function errandProblems(service: ComposeService): string[] {
  const { command = [], read_only: isReadOnly, cap_drop: dropped, stop_grace_period: grace } = service
  const environment = Object.fromEntries(
    Object.entries(service.environment ?? {}).map(([name, value]) => [name, withDefaults(String(value))]),
  )
  const { command: name, flags } = commandLineOf(command)
  const known = commandNamed(name)
  const strange = known === undefined ? [] : [...flags.keys()].filter(flag => !flagsOf(known).has(flag))
  const isKnown = (variable: string): boolean =>
    SETTINGS.some(({ env }) => env === variable) || variable === 'OTEL_EXPORTER_OTLP_ENDPOINT'
  return [
    ...(known === undefined ? [`command: there is no errand ${name}`] : []),
    ...strange.map(flag => `command: errand ${name} has no --${flag}`),
    ...Object.keys(environment).flatMap(variable => (isKnown(variable) ? [] : [`variable: nobody reads ${variable}`])),
    ...(isReadOnly === true && dropped?.includes('ALL') === true ? [] : ['rights: it has more than it needs']),
    ...settingProblems(environment, isOneShot(service) ? undefined : (grace ?? '10s')),
  ]
}

function settingProblems(env: Readonly<Record<string, string>>, grace: string | undefined): string[] {
  try {
    const { config } = loadConfig({ env, flags: new Map() }, REQUIRED_TO_CONNECT)
    if (grace === undefined) return []
    const isLong = parseDuration('stop_grace_period', grace) >= config.worker.grace + AFTER_DRAIN_MS_MIN
    return [
      ...(isLong ? [] : [`grace: killed after ${grace}, and a drain alone may take ${config.worker.grace} ms`]),
      ...(config.http.host === '0.0.0.0' ? [] : [`settings: answers at ${config.http.host}, where no port leads`]),
    ]
  } catch (error) {
    return [`settings: ${saidBy(error)}`]
  }
}
