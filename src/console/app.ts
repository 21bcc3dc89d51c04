// The whole of the console as one function from Request to Response. In this order: the name that was called, the base path, tokens
// in addresses (refused), then the API or the pages.

import { Hono } from 'hono'
import { saidBy } from '../core/errors.ts'
import { CONSOLE_LIMITS } from '../core/limits.ts'
import { activityRoutes } from './activity-routes.ts'
import { actRoutes } from './act-routes.ts'
import type { Assets } from './assets.ts'
import { bulkRoutes } from './bulk-routes.ts'
import { figureRoutes } from './figure-routes.ts'
import { openApiOf } from './openapi.ts'
import { Problem, problemOf, problemResponse } from './problem.ts'
import type { RouteSpec } from './route.ts'
import { defineRoute } from './route.ts'
import { secured } from './security-headers.ts'
import type { ServeParts } from './serve-route.ts'
import { serveRoute } from './serve-route.ts'
import { sessionRoutes } from './session-routes.ts'

/** What the app needs. */
export interface AppParts extends ServeParts {
  readonly assets: Assets
}

/** What is known of a request beside it. */
export interface RequestContext {
  readonly address: string | null
  /** The path as the browser has it, where that is another: a framework cut it off in front. */
  readonly originalPath?: string
}

/** Answers any request. Never rejects. */
export type App = (request: Request, context: RequestContext) => Promise<Response>

const SECRETS = ['token', 'access_token', 'auth', 'authorization', 'bearer']

/** Makes the app. */
export function createApp(parts: AppParts): App {
  const { gate, options } = parts
  const api = apiOf(parts)
  const pages = pagesOf(parts)
  return async (request, context) => {
    try {
      gate.check(request)
      const { pathname, searchParams } = new URL(request.url)
      const secret = SECRETS.find(name => searchParams.has(name))
      if (secret !== undefined) {
        throw new Problem(
          400,
          'invalid_argument',
          'a token never belongs in an address: sign in, or send it as Authorization: Bearer.',
          {
            field: secret,
          },
        )
      }
      const path = belowBase(pathname, options.basePath)
      const isApi = path === '/api' || path.startsWith('/api/')
      return secured(await (isApi ? api(request, context, path) : pages(request, context, path)))
    } catch (error) {
      return secured(answerTo(parts, error))
    }
  }
}

/** What is below the base path; the whole where a proxy or a framework has cut that off. */
function belowBase(pathname: string, basePath: string): string {
  if (basePath === '') return pathname
  if (pathname === basePath) return ''
  return pathname.startsWith(`${basePath}/`) ? pathname.slice(basePath.length) : pathname
}

type Part = (request: Request, context: RequestContext, path: string) => Promise<Response>

function pagesOf({ assets }: AppParts): Part {
  return async (request, { originalPath }, path) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') throw notAllowed()
    // Links are relative, so the base itself must end with a slash.
    const shown = originalPath ?? new URL(request.url).pathname
    if (path === '' || (path === '/' && !shown.endsWith('/'))) {
      const name = shown.slice(shown.lastIndexOf('/') + 1)
      return new Response(null, { status: 308, headers: { location: `./${name}/` } })
    }
    const found = await assets.answer(path.slice(1), request)
    if (found !== null) return found
    throw new Problem(404, 'not_found', 'there is no such file.')
  }
}

const API_METHODS: ReadonlySet<string> = new Set(['GET', 'POST', 'DELETE'])

interface Bindings {
  readonly context: RequestContext
  readonly path: string
}

function apiOf(parts: AppParts): Part {
  // The framework gets only what is below the base path.
  const app = new Hono<{ Bindings: Bindings }>({ getPath: (_, from) => from?.env?.path ?? '/' })
  const routes = routesOf(parts)
  const heavy = new Heavy()
  for (const route of routes) {
    for (const path of [route.path, ...(route.aliases ?? [])]) {
      app.on(route.method, `/api${path}`, c => {
        const routed = { request: c.req.raw, params: c.req.param(), address: c.env.context.address }
        const serve = (): Promise<Response> => serveRoute(parts, route, routed)
        return route.isHeavy === true ? heavy.run(serve) : serve()
      })
    }
  }
  app.onError(error => answerTo(parts, error))
  app.notFound(() => {
    const text = 'the API has no such route; GET api/openapi.json lists them.'
    return problemResponse(new Problem(404, 'not_found', text))
  })
  return async (request, context, path) => {
    // A HEAD would open a stream that nobody reads.
    if (!API_METHODS.has(request.method)) throw notAllowed()
    return app.fetch(request, { context, path: path.replace(/\/$/, '') })
  }
}

/** Every route. */
export function routesOf(parts: ServeParts): readonly RouteSpec[] {
  const routes: RouteSpec[] = [
    ...sessionRoutes(parts),
    ...figureRoutes(parts),
    ...activityRoutes(parts),
    ...actRoutes(parts),
    ...bulkRoutes(parts),
  ]
  const openApi: RouteSpec = defineRoute({
    method: 'GET',
    path: '/openapi.json',
    summary: 'this description',
    role: 'view',
    answers: 'OpenAPI 3.1',
    handle: () => Promise.resolve(openApiOf([...routes, openApi], parts.options.version)),
  })
  return [...routes, openApi]
}

/** So many at once, of everybody: they read much, and nobody is to keep the storage busy for all. */
class Heavy {
  #running = 0

  async run(serve: () => Promise<Response>): Promise<Response> {
    if (this.#running >= CONSOLE_LIMITS.heavyAtOnceMax) {
      throw new Problem(429, 'too_many_requests', 'enough searches and counts are under way; try again in a moment.', {
        retryAfterS: 2,
      })
    }
    this.#running += 1
    try {
      return await serve()
    } finally {
      this.#running -= 1
    }
  }
}

function answerTo({ options }: AppParts, error: unknown): Response {
  const problem = problemOf(error)
  if (problem.status === 500) {
    const stack = error instanceof Error ? error.stack : undefined
    options.logger.error('a request of the console failed', { error: saidBy(error), stack })
  }
  return problemResponse(problem)
}

function notAllowed(): Problem {
  return new Problem(405, 'method_not_allowed', 'only GET, POST and DELETE; of pages only GET and HEAD.')
}
