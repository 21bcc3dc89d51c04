// Who am I, sign in, sign out.

import { CONSOLE_LIMITS } from '../core/limits.ts'
import type { CookieScope } from './access.ts'
import type { ConsoleParts } from './console-parts.ts'
import type { Caller, RouteSpec } from './route.ts'
import { defineRoute } from './route.ts'
import { signInBody } from './request-schemas.ts'
import { sessionSchema } from './schemas.ts'

/** The routes. */
export function sessionRoutes(parts: ConsoleParts): RouteSpec[] {
  const scopeOf = (request: Request): CookieScope => ({
    path: parts.options.basePath || '/',
    isSecure: isSecure(request),
  })
  return [
    defineRoute({
      method: 'GET',
      path: '/session',
      summary: 'who you are here, and what the pages need to know',
      role: 'anyone',
      answer: sessionSchema,
      handle: ({ caller }) => Promise.resolve(sessionView(parts, caller.role)),
    }),
    defineRoute({
      method: 'POST',
      path: '/session',
      summary: 'show a token; the answer sets a cookie that scripts cannot read',
      role: 'anyone',
      body: signInBody,
      bodyBytesMax: CONSOLE_LIMITS.signInBodyBytesMax,
      answer: sessionSchema,
      act: 'sign-in',
      subject: () => 'session',
      handle: ({ body, caller, request }) => {
        const { role, cookie } = parts.access.signIn(body.token, caller.address, scopeOf(request))
        return Promise.resolve(Response.json(sessionView(parts, role), { headers: { 'set-cookie': cookie } }))
      },
    }),
    defineRoute({
      method: 'DELETE',
      path: '/session',
      summary: 'sign out',
      role: 'anyone',
      answer: sessionSchema,
      act: 'sign-out',
      subject: () => 'session',
      handle: ({ request }) => {
        const cookie = parts.access.signOut(scopeOf(request))
        return Promise.resolve(Response.json(sessionView(parts, null), { headers: { 'set-cookie': cookie } }))
      },
    }),
  ]
}

function sessionView({ options, access }: ConsoleParts, role: Caller['role']): object {
  const isIn = role !== null
  return {
    role,
    needsToken: access.needsToken,
    isReadOnly: options.readOnly,
    environment: options.environment,
    namespace: isIn ? options.namespace : null,
    version: isIn ? options.version : null,
    traceUrl: isIn ? options.traceUrl : null,
    redacts: options.redactPayload !== null,
    canDiagnose: options.diagnose !== null,
    nowMs: options.clock.nowMs(),
  }
}

/** A proxy that ends TLS says so, the outermost first; believing it wrongly only keeps the cookie from plain HTTP. */
function isSecure(request: Request): boolean {
  const [outermost = ''] = (request.headers.get('x-forwarded-proto') ?? '').split(',', 1)
  return new URL(request.url).protocol === 'https:' || outermost.trim().toLowerCase() === 'https'
}
