// Puts settings together: flag over environment over file over default. Everything that is wrong is told at once, each with
// where it came from, so that nobody has to start five times to see five mistakes.

import { existsSync, readFileSync } from 'node:fs'
import { ErrandError } from '../../core/errors.ts'
import type { Config, Setting } from './settings.ts'
import { CONFIG_SCHEMA, SETTINGS } from './settings.ts'

/** Where a value came from. */
export type Origin =
  | { readonly kind: 'flag' | 'environment' | 'file'; readonly where: string }
  | { readonly kind: 'default' }

/** Settings, with their origins. */
export interface LoadedConfig {
  readonly config: Config
  /** By the name of the setting. */
  readonly origins: ReadonlyMap<string, Origin>
  /** The values as they were given, by the name of the setting. */
  readonly given: ReadonlyMap<string, unknown>
  /** Variables that begin with ERRAND_ and that nobody reads: perhaps a typing error. */
  readonly unknownVariables: readonly string[]
}

/** What {@link loadConfig} reads. */
export interface ConfigSources {
  readonly env: Readonly<Record<string, string | undefined>>
  /** By the name of the setting. */
  readonly flags: ReadonlyMap<string, unknown>
  /** `--config` or ERRAND_CONFIG; must exist. Undefined: `errand.json` in the working directory, if it is there. */
  readonly file?: string | undefined
  /** `--profile` or ERRAND_PROFILE: `profiles.<name>` of the file lies over the rest of it. */
  readonly profile?: string | undefined
}

/** Variables that are read, and are no settings. */
const OTHER_VARIABLES = ['ERRAND_CONFIG', 'ERRAND_PROFILE']
const DEFAULT_FILE = 'errand.json'

/**
 * Loads all settings; `required` names those that must be given. Throws `invalid_argument` that lists every problem with its
 * origin; `details.problems` has them one by one. Secrets are not shown.
 */
export function loadConfig(sources: ConfigSources, required: readonly string[] = []): LoadedConfig {
  const { values, origins, problems } = gather(sources)
  const parsed = CONFIG_SCHEMA.safeParse(nested(values))
  if (!parsed.success) {
    for (const issue of parsed.error.issues) problems.push(problemOf(issue, values, origins))
  }
  for (const name of required) {
    if (values.has(name)) continue
    const { flag, env } = settingNamed(name)
    problems.push(`${name} must be given${flag === undefined ? '' : `: --${flag}`} or ${env}.`)
  }
  if (!parsed.success || problems.length > 0) {
    throw new ErrandError('invalid_argument', problems.join('\n'), { details: { field: 'settings', problems } })
  }
  const known = new Set([...SETTINGS.map(({ env }) => env), ...OTHER_VARIABLES])
  const unknownVariables = Object.keys(sources.env).filter(name => name.startsWith('ERRAND_') && !known.has(name))
  return { config: parsed.data, origins, given: values, unknownVariables }
}

interface Gathered {
  readonly values: Map<string, unknown>
  readonly origins: Map<string, Origin>
  readonly problems: string[]
}

function gather({ env, flags, file, profile }: ConfigSources): Gathered {
  const {
    values: fromFile,
    path,
    problems,
  } = readFile(file ?? nonBlank(env['ERRAND_CONFIG']), profile ?? nonBlank(env['ERRAND_PROFILE']))
  const values = new Map<string, unknown>()
  const origins = new Map<string, Origin>()
  for (const setting of SETTINGS) {
    const variable = nonBlank(env[setting.env])
    const take = (value: unknown, origin: Origin): void => {
      values.set(setting.name, value)
      origins.set(setting.name, origin)
    }
    if (flags.has(setting.name)) take(flags.get(setting.name), { kind: 'flag', where: `--${setting.flag ?? ''}` })
    else if (variable !== undefined) take(variable, { kind: 'environment', where: setting.env })
    else if (fromFile.has(setting.name)) take(fromFile.get(setting.name), { kind: 'file', where: path ?? '' })
    else origins.set(setting.name, { kind: 'default' })
  }
  // What stands in the file and is no setting is refused by the schema.
  for (const [name, value] of fromFile) if (!origins.has(name)) values.set(name, value)
  return { values, origins, problems }
}

function nonBlank(value: string | undefined): string | undefined {
  return value === undefined || value.trim() === '' ? undefined : value
}

interface FileContent {
  readonly values: ReadonlyMap<string, unknown>
  readonly path: string | undefined
  readonly problems: string[]
}

function readFile(asked: string | undefined, profile: string | undefined): FileContent {
  const path = asked ?? (existsSync(DEFAULT_FILE) ? DEFAULT_FILE : undefined)
  const nothing = (problem?: string): FileContent => ({
    values: new Map(),
    path,
    problems: problem === undefined ? [] : [problem],
  })
  if (path === undefined) {
    return nothing(
      profile === undefined ? undefined : `--profile ${profile}: there is no config file; name it by --config.`,
    )
  }
  let content: unknown
  try {
    content = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    return nothing(`${path} cannot be read as JSON: ${error instanceof Error ? error.message : String(error)}.`)
  }
  if (!isRecord(content)) return nothing(`${path} must hold a JSON object.`)
  const { profiles, ...base } = content
  const values = new Map(flat(base, ''))
  if (profile === undefined) return { values, path, problems: [] }
  const chosen = isRecord(profiles) && Object.hasOwn(profiles, profile) ? profiles[profile] : undefined
  if (!isRecord(chosen)) {
    const known = isRecord(profiles) ? Object.keys(profiles).join(', ') : 'none'
    return nothing(`${path} has no profile ${JSON.stringify(profile)}; it has: ${known}.`)
  }
  for (const [name, value] of flat(chosen, '')) values.set(name, value)
  return { values, path, problems: [] }
}

function flat(object: Readonly<Record<string, unknown>>, prefix: string): [string, unknown][] {
  return Object.entries(object).flatMap(([key, value]) =>
    isRecord(value) ? flat(value, `${prefix}${key}.`) : [[`${prefix}${key}`, value] as [string, unknown]],
  )
}

/** Every section is there, so that defaults are taken inside of it. */
function nested(values: ReadonlyMap<string, unknown>): Record<string, unknown> {
  const root: Record<string, unknown> = {}
  const place = (name: string): readonly [Record<string, unknown>, string] => {
    const parts = name.split('.')
    let target = root
    for (const part of parts.slice(0, -1)) {
      const next = Object.hasOwn(target, part) ? target[part] : undefined
      target = isRecord(next) ? next : (target[part] = {})
    }
    return [target, parts.at(-1) ?? '']
  }
  for (const { name } of SETTINGS) place(name)
  for (const [name, value] of values) {
    const [target, key] = place(name)
    target[key] = value
  }
  return root
}

interface Issue {
  readonly path: readonly PropertyKey[]
  readonly message: string
  readonly code: string
  readonly keys?: readonly string[]
}

function problemOf(issue: Issue, values: ReadonlyMap<string, unknown>, origins: ReadonlyMap<string, Origin>): string {
  const path = issue.path.map(String)
  if (issue.code === 'unrecognized_keys') {
    const names = (issue.keys ?? []).map(key => [...path, key].join('.'))
    return `there is no setting ${names.map(name => JSON.stringify(name)).join(', ')}${nearest(names[0] ?? '')}.`
  }
  const setting = SETTINGS.find(({ name }) => name === path.slice(0, 2).join('.') || name === path[0])
  const name = setting?.name ?? path.join('.')
  const value = values.get(name)
  const shown = setting?.secret === true || value === undefined ? '' : ` is ${JSON.stringify(masked(name, value))}; it`
  return `${name}${whereText(origins.get(name))}${shown} ${issue.message}.`
}

function whereText(origin: Origin | undefined): string {
  return origin === undefined || origin.kind === 'default' ? '' : ` (${origin.where})`
}

/** A value as it may be shown: addresses can hold a password. */
export function masked(name: string, value: unknown): unknown {
  if (SETTINGS.find(setting => setting.name === name)?.secret === true) return '***'
  if (name === 'redis.url') return typeof value === 'string' ? maskedUrl(value) : '***'
  if (Array.isArray(value)) return value.map(each => masked(name, each))
  return typeof value === 'string' ? value.replaceAll(/\/\/[^/\s,]*@/g, '//***@') : value
}

/** Without what stands before the last `@`, and without its query: both can hold a password, also one that was never encoded. */
function maskedUrl(url: string): string {
  const [, scheme, rest = ''] = /^([a-z][a-z0-9+.-]*:\/\/)(.*)$/is.exec(url.trim()) ?? []
  if (scheme === undefined || !URL.canParse(url)) return '***'
  const [shown = ''] = rest.split(/[?#]/, 1)
  // An `@` behind a `?` or `#`: nobody can tell where the password ends.
  if (rest.slice(shown.length).includes('@')) return `${scheme}***`
  const at = shown.lastIndexOf('@')
  return at === -1 ? `${scheme}${shown}` : `${scheme}***@${shown.slice(at + 1)}`
}

function nearest(name: string): string {
  const last = name.split('.').at(-1) ?? ''
  const near = SETTINGS.find(
    setting =>
      setting.name.endsWith(`.${last}`) || setting.name.replaceAll('_', '') === name.replaceAll('_', '').toLowerCase(),
  )
  return near === undefined ? '; `errand config reference` lists them' : `; did you mean ${near.name}`
}

function settingNamed(name: string): Setting {
  const found = SETTINGS.find(setting => setting.name === name)
  if (found === undefined) throw new ErrandError('internal', `there is no setting ${name}`)
  return found
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
