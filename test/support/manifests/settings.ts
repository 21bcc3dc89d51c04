// What a container's environment and arguments come to, read as `errand` itself reads them.

import { COMMANDS } from '../../../src/cli/commands/index.ts'
import type { CommandSpec } from '../../../src/cli/command.ts'
import type { LoadedConfig } from '../../../src/cli/config/load.ts'
import { loadConfig } from '../../../src/cli/config/load.ts'
import type { Config } from '../../../src/cli/config/settings.ts'
import { SETTINGS, settingsOf } from '../../../src/cli/config/settings.ts'
import { REQUIRED_TO_CONNECT } from '../../../src/cli/config/storage-options.ts'
import type { Container, Manifest } from './objects.ts'
import { ofKind } from './objects.ts'

/** A command line, taken apart. */
export interface CommandLine {
  readonly command: string
  /** Values by flag; true for one without a value. */
  readonly flags: ReadonlyMap<string, string | true>
}

/** Takes arguments apart: words, then `--flag=value`, `--flag value` or `--flag`. */
export function commandLineOf(args: readonly string[]): CommandLine {
  const first = args.findIndex(arg => arg.startsWith('-'))
  const words = first === -1 ? args : args.slice(0, first)
  const flags = new Map<string, string | true>()
  const rest = first === -1 ? [] : args.slice(first)
  for (const [at, arg] of rest.entries()) {
    if (!arg.startsWith('--')) continue
    const [flag = '', ...values] = arg.slice(2).split('=')
    const next = rest[at + 1]
    const value = values.length > 0 ? values.join('=') : next
    flags.set(flag, value === undefined || (values.length === 0 && value.startsWith('-')) ? true : value)
  }
  return { command: words.join(' '), flags }
}

/** The command of that name, if there is one. */
export function commandNamed(name: string): CommandSpec | undefined {
  return COMMANDS.find(command => command.name === name)
}

/** Every flag that a command takes. */
export function flagsOf(command: CommandSpec): ReadonlySet<string> {
  const own = (command.options ?? []).flatMap(({ flags }) =>
    [...flags.matchAll(/--([\w-]+)/g)].map(([, name]) => name ?? ''),
  )
  const settings = (command.settings ?? [])
    .flatMap(settingsOf)
    .flatMap(({ flag }) => (flag === undefined ? [] : [flag]))
  return new Set([...own, ...settings, 'config', 'profile', 'verbose'])
}

/** The variables of a container: those of its ConfigMaps, and its own over them. What is only known in a cluster is `set`. */
export function environmentOf({ env, envFrom }: Container, objects: readonly Manifest[]): Record<string, string> {
  const maps = ofKind(objects, 'ConfigMap')
  const shared = (envFrom ?? []).map(({ configMapRef }) =>
    maps.find(({ metadata }) => metadata.name === configMapRef?.name),
  )
  const own = (env ?? []).map(({ name, value }) => [name, value ?? 'set'] as const)
  return { ...Object.assign({}, ...shared.map(map => map?.data ?? {})), ...Object.fromEntries(own) } as Record<
    string,
    string
  >
}

/** The settings of a container. Throws what `errand` would say of them. */
export function loadedOf(container: Container, objects: readonly Manifest[]): LoadedConfig {
  const { flags } = commandLineOf(container.args ?? [])
  const given = SETTINGS.flatMap(({ name, flag }) => {
    const value = flag === undefined ? undefined : flags.get(flag)
    return value === undefined ? [] : [[name, value] as const]
  })
  return loadConfig({ env: environmentOf(container, objects), flags: new Map(given) }, REQUIRED_TO_CONNECT)
}

/** The settings of a container; undefined when they are not right. */
export function configOf(container: Container, objects: readonly Manifest[]): Config | undefined {
  try {
    return loadedOf(container, objects).config
  } catch {
    return undefined // whoever asks for more than this tells why
  }
}
