// What a console is made from.

import { ErrandError } from '../core/errors.ts'
import type { Clock } from '../core/clock.ts'
import { systemClock } from '../core/clock.ts'
import type { DeploymentFacts } from '../core/deployment-facts.ts'
import { CONSOLE_LIMITS } from '../core/limits.ts'
import type { Logger } from '../core/logger.ts'
import { silentLogger } from '../core/logger.ts'
import { OptionCheck } from '../core/option-check.ts'
import { describe } from '../core/text.ts'
import type { Storage } from '../storage/storage.ts'
import type { AuditEntry } from './audit.ts'

/** Something that was found wrong, with what to do about it: as `errand doctor` says it. */
export interface ConsoleFinding {
  readonly id: string
  readonly severity: 'error' | 'warning' | 'note'
  readonly source: string
  readonly subject: string
  readonly says: string
  readonly fix: string
}

/** What a look at the deployment gave. */
export interface ConsoleDiagnosis {
  readonly findings: readonly ConsoleFinding[]
  /** What nobody could look at, with the reason. */
  readonly notChecked?: readonly { readonly what: string; readonly why: string }[]
  /** For the page of topics. */
  readonly facts?: DeploymentFacts
}

/** What a hook that hides data is given. */
export interface Redactable {
  readonly id: string
  readonly type: string
  /** Empty where it is not known: of the errors of lists, groups, events and the stream. */
  readonly metadata: Readonly<Record<string, string>>
  /** What it is. `error`: one failure, whose causes are in it; `metadata`: all of it. */
  readonly part: 'payload' | 'result' | 'error' | 'metadata' | 'key'
  /** A payload or result is parsed. Numbers that JavaScript cannot hold are opaque objects that `JSON.stringify` writes as they came. */
  readonly value: unknown
}

/** Options of {@link createConsole}; only the storage is needed. */
export interface ConsoleOptions {
  /** What is looked at and acted on. Whoever opened it closes it, after the console. */
  readonly storage: Storage
  /** Shown beside the name. @defaultValue none */
  readonly namespace?: string | undefined
  /**
   * Tokens, 16 to 512 visible ASCII characters each. `view` may look; `act` may also cancel, redrive and enqueue. One or both.
   * @defaultValue none: whoever reaches the console may act. Only for loopback, or behind something that knows who is who
   */
  readonly token?: { readonly view?: string | undefined; readonly act?: string | undefined } | undefined
  /** Where it is mounted, such as `/ops/errand`. Paths without it are taken as if a proxy had cut it off. @defaultValue '' */
  readonly basePath?: string | undefined
  /**
   * Hosts by which it may be called, as in `errand.example.com` or `errand.example.com:8443` (without a port: any).
   * `localhost`, `127.0.0.1` and `[::1]` always may.
   */
  readonly allowedHosts?: readonly string[] | undefined
  /** Nobody may act, whatever the token. @defaultValue false */
  readonly readOnly?: boolean | undefined
  /**
   * Gives what is shown, and searched, in place of a payload, a result, an error, metadata or a key, to everybody. What it does not
   * change it gives back as it came. When it throws, or gives what is no error, metadata or key in place of one, nothing of it is
   * shown. It does not cover ids, types, workers, reasons that people gave, and what bulk work says of its own failures; who has a
   * whole key still finds its activity by it. @defaultValue none
   */
  readonly redactPayload?: ((given: Redactable) => unknown) | undefined
  /** Of a trace, with `{traceId}` in it: `http://` or `https://`. @defaultValue none */
  readonly traceUrl?: string | undefined
  /** A badge. `color`: `#rgb`, `#rrggbb`, or a word. @defaultValue none */
  readonly environment?: { readonly name: string; readonly color?: string | undefined } | undefined
  /** Looks at the deployment; its answer serves everybody for 15 s. @defaultValue there is nothing to look at */
  readonly diagnose?: (() => Promise<ConsoleDiagnosis>) | undefined
  /** Hears of everything that was done or refused, beside the log. Must not throw. @defaultValue none */
  readonly audit?: ((entry: AuditEntry) => void) | undefined
  /** Who asks, for the audit: such as what a proxy says in a header that only it can set. @defaultValue role and address */
  readonly identify?: ((request: Request) => string | undefined) | undefined
  /** The folder of the built pages. @defaultValue the package's own */
  readonly assetsFolder?: string | undefined
  /** Shown at the foot. @defaultValue none */
  readonly version?: string | undefined
  /** @defaultValue says nothing */
  readonly logger?: Logger | undefined
  /** @defaultValue the system's */
  readonly clock?: Clock | undefined
}

/** Options, complete. */
export interface ResolvedConsoleOptions {
  readonly storage: Storage
  readonly namespace: string | null
  readonly tokens: { readonly view: string | null; readonly act: string | null }
  /** Empty, or with a slash in front and none behind. */
  readonly basePath: string
  readonly allowedHosts: readonly string[]
  readonly readOnly: boolean
  readonly redactPayload: ((given: Redactable) => unknown) | null
  readonly traceUrl: string | null
  readonly environment: { readonly name: string; readonly color: string | null } | null
  readonly diagnose: (() => Promise<ConsoleDiagnosis>) | null
  readonly audit: ((entry: AuditEntry) => void) | null
  readonly identify: ((request: Request) => string | undefined) | null
  readonly assetsFolder: string | null
  readonly version: string | null
  readonly logger: Logger
  readonly clock: Clock
}

const KNOWN = [
  'storage',
  'namespace',
  'token',
  'basePath',
  'allowedHosts',
  'readOnly',
  'redactPayload',
  'traceUrl',
  'environment',
  'diagnose',
  'audit',
  'identify',
  'assetsFolder',
  'version',
  'logger',
  'clock',
]

/** What may stand in a Host header. */
export const HOST: RegExp = /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9_](?:[a-z0-9._-]{0,251}[a-z0-9_])?)(?::(\d{1,5}))?$/
const BASE_PATH = /^(\/[A-Za-z0-9._~-]+)+$/
const COLOR = /^(#[0-9a-fA-F]{3}|#[0-9a-fA-F]{6}|[a-z]{3,20})$/
const TOKEN = /^[!-~]+$/

/** Completes and checks options. Throws `invalid_argument` with everything that is wrong with them. */
export function resolveConsoleOptions(options: ConsoleOptions): ResolvedConsoleOptions {
  const check = new OptionCheck('ConsoleOptions', options, KNOWN)
  if (typeof options.storage?.laneFigures !== 'function') check.add('storage must be a storage.', 'storage')
  const resolved = { storage: options.storage, ...restOf(check, options) }
  check.throwIfAny()
  return resolved
}

/** Checks options before there is a storage. Throws `invalid_argument` with everything that is wrong with them. */
export function checkConsoleOptions(options: Omit<ConsoleOptions, 'storage'>): void {
  const check = new OptionCheck('ConsoleOptions', options, KNOWN)
  restOf(check, options)
  check.throwIfAny()
}

function restOf(check: OptionCheck, options: Omit<ConsoleOptions, 'storage'>): Omit<ResolvedConsoleOptions, 'storage'> {
  return {
    namespace: options.namespace ?? null,
    tokens: check.value({ view: null, act: null }, () => tokensOf(options.token)),
    basePath: check.value('', () => basePathOf(options.basePath)),
    allowedHosts: check.value([], () => hostsOf(options.allowedHosts)),
    readOnly: options.readOnly ?? false,
    redactPayload: options.redactPayload ?? null,
    traceUrl: check.value(null, () => traceUrlOf(options.traceUrl)),
    environment: check.value(null, () => environmentOf(options.environment)),
    diagnose: options.diagnose ?? null,
    audit: options.audit ?? null,
    identify: options.identify ?? null,
    assetsFolder: options.assetsFolder ?? null,
    version: options.version ?? null,
    logger: options.logger ?? silentLogger,
    clock: options.clock ?? systemClock,
  }
}

function tokensOf(given: ConsoleOptions['token']): ResolvedConsoleOptions['tokens'] {
  if (given === undefined) return { view: null, act: null }
  const [min, max] = CONSOLE_LIMITS.tokenChars
  const one = (name: 'view' | 'act'): string | null => {
    const token = given[name]
    if (token === undefined) return null
    if (typeof token === 'string' && token.length >= min && token.length <= max && TOKEN.test(token)) return token
    // Never the token itself.
    throw refusal(`token.${name}`, 'of another form', `${min} to ${max} visible ASCII characters`)
  }
  const tokens = { view: one('view'), act: one('act') }
  if (tokens.view === null && tokens.act === null) throw refusal('token', 'empty', 'left out, or have view or act')
  if (tokens.view === tokens.act) throw refusal('token.view', 'the same as token.act', 'another one')
  return tokens
}

function basePathOf(given: string | undefined): string {
  const path = (given ?? '').replace(/\/$/, '')
  if (path === '' || (BASE_PATH.test(path) && path.length <= 200)) return path
  throw refusal('basePath', describe(given), 'a path such as /ops/errand')
}

function hostsOf(given: readonly string[] | undefined): readonly string[] {
  const hosts = (given ?? []).map(host => host.toLowerCase())
  if (hosts.length > CONSOLE_LIMITS.hostsMax) {
    throw refusal('allowedHosts', `${hosts.length} names`, `at most ${CONSOLE_LIMITS.hostsMax}`)
  }
  const wrong = hosts.find(host => !HOST.test(host))
  if (wrong === undefined) return hosts
  throw refusal('allowedHosts', describe(wrong), 'names such as errand.example.com or errand.example.com:8443')
}

function traceUrlOf(given: string | undefined): string | null {
  if (given === undefined) return null
  if (/^https?:\/\/[^\s"'<>\\]+$/.test(given) && given.includes('{traceId}') && given.length <= 2_000) return given
  throw refusal('traceUrl', describe(given), 'a URL of http or https with {traceId} in it')
}

function environmentOf(given: ConsoleOptions['environment']): ResolvedConsoleOptions['environment'] {
  if (given === undefined) return null
  const { name, color = null } = given
  if (typeof name !== 'string' || name === '' || name.length > 40) {
    throw refusal('environment.name', describe(name), 'a text of 1 to 40 characters')
  }
  if (color !== null && !COLOR.test(color))
    throw refusal('environment.color', describe(color), '#rgb, #rrggbb or a word')
  return { name, color }
}

function refusal(field: string, received: string, allowed: string): ErrandError {
  return new ErrandError('invalid_argument', `${field} is ${received}; it must be ${allowed}.`, { details: { field } })
}
