// What a route of the API is: plain data, from which requests are checked, served, audited and described (OpenAPI) alike.

import type { z } from 'zod'
import type { Role } from './access.ts'
import type { Act } from './audit.ts'

/** Who asks. */
export interface Caller {
  readonly role: Role | null
  /** For the audit and for what people read. */
  readonly who: string
  readonly address: string | null
}

/** A request that has been let in and checked. */
export interface RouteCall<Params, Query, Body> {
  readonly params: Params
  readonly query: Query
  readonly body: Body
  /** The body as it came: numbers in it have all their digits. */
  readonly bodyText: string
  readonly caller: Caller
  readonly request: Request
  /** Of a change: the UUID that it came under. */
  readonly requestId: string
  /** Aborts when whoever asked has gone. */
  readonly signal: AbortSignal
}

/** One route. */
export interface RouteSpec<Params = unknown, Query = unknown, Body = unknown> {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Below `/api`, with `:name` for parameters. */
  readonly path: string
  /** One line, for OpenAPI. */
  readonly summary: string
  /** Further paths below `/api` of the same. */
  readonly aliases?: readonly string[]
  /** `anyone`: also without a token. */
  readonly role: Role | 'anyone'
  readonly params?: z.ZodType<Params>
  readonly query?: z.ZodType<Query>
  readonly body?: z.ZodType<Body>
  /** @defaultValue `CONSOLE_LIMITS.bodyBytesMax` */
  readonly bodyBytesMax?: number
  /** What is answered; undefined: not JSON, as `answers` says. */
  readonly answer?: z.ZodType
  readonly answers?: string
  /** Takes the storage a while: only so many at once. */
  readonly isHeavy?: true
  /** It changes something. */
  readonly act?: Act
  /** On what, for the audit. */
  subject?(call: Pick<RouteCall<Params, Query, Body>, 'params' | 'body'>): string
  /** JSON, or a whole response. */
  handle(call: RouteCall<Params, Query, Body>): Promise<unknown>
}

/** Keeps the types between a route's schemas and its handler. */
export function defineRoute<Params, Query, Body>(spec: RouteSpec<Params, Query, Body>): RouteSpec {
  // A method's parameters may be narrower: the schemas give what it takes.
  return spec
}
