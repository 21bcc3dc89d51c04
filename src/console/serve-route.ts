// One request of a route, from the door to the answer: who asks, from which page, whether he may, what he sent, whether he sent it
// before; then the route; and what came of it into the audit.

import { z } from 'zod'
import { saidBy } from '../core/errors.ts'
import { CONSOLE_LIMITS } from '../core/limits.ts'
import { clipUtf8 } from '../core/text.ts'
import type { AuditEntry } from './audit.ts'
import type { ConsoleParts } from './console-parts.ts'
import type { HostGate } from './host-gate.ts'
import { Problem, problemOf } from './problem.ts'
import { BodyAborted, readJsonBody } from './request-body.ts'
import type { Performed, RequestOnce } from './request-once.ts'
import type { Caller, RouteCall, RouteSpec } from './route.ts'

/** What serving needs. */
export interface ServeParts extends ConsoleParts {
  readonly gate: HostGate
  readonly once: RequestOnce
}

/** A request that found its route. */
export interface RoutedRequest {
  readonly request: Request
  readonly params: Readonly<Record<string, string>>
  readonly address: string | null
}

const requestIdSchema = z.uuid()

/** Serves it. Throws whatever is wrong; `problem.ts` makes answers of that. */
export async function serveRoute(parts: ServeParts, route: RouteSpec, routed: RoutedRequest): Promise<Response> {
  const caller = callerOf(parts, routed)
  let facts: AuditFacts = { who: caller.who, subject: routed.params['id'] ?? '', reason: null, requestId: null }
  let isStranger = true
  try {
    checkOrigin(parts, route, routed)
    isStranger = caller.role === null
    checkRole(route, caller)
    const call = await checkedCall(route, routed, caller)
    facts = { ...facts, ...factsOf(route, call) }
    const { answer, isRepeated } = await perform(parts, route, call)
    // Signing in makes somebody known; anybody can sign out.
    if (route.act === 'sign-in') isStranger = false
    // What was asked for again was done, and told, before.
    if (!isRepeated) note(parts, route, { ...facts, outcome: 'done', says: saysOf(answer) }, isStranger)
    return answer instanceof Response ? answer : Response.json(answer)
  } catch (error) {
    const { status, code } = problemOf(error)
    const outcome = status < 500 ? 'refused' : 'failed'
    if (!(error instanceof BodyAborted)) note(parts, route, { ...facts, outcome, says: code }, isStranger)
    throw error
  }
}

type AuditFacts = Pick<AuditEntry, 'who' | 'subject' | 'reason' | 'requestId'>

function callerOf({ access, options }: ServeParts, { request, address }: RoutedRequest): Caller {
  const { role } = access.shownBy(request, address)
  const who = clipUtf8(
    identified(options, request) ?? `${role ?? 'nobody'} at ${address ?? 'an unknown address'}`,
    CONSOLE_LIMITS.whoBytesMax,
  )
  return { role, who, address }
}

function identified({ identify, logger }: ServeParts['options'], request: Request): string | undefined {
  try {
    return identify?.(request)
  } catch (error) {
    logger.error('identify threw', { error: saidBy(error) })
    return undefined
  }
}

function checkOrigin({ gate, access }: ServeParts, route: RouteSpec, { request }: RoutedRequest): void {
  if (route.method === 'GET') gate.checkRead(request)
  else gate.checkOrigin(request, access.hasBearer(request))
}

function checkRole(route: RouteSpec, { role }: Caller): void {
  if (route.role === 'anyone') return
  if (role === null) throw new Problem(401, 'unauthorized', 'show a token: sign in, or Authorization: Bearer.')
  if (route.role === 'act' && role !== 'act') {
    throw new Problem(403, 'forbidden', 'you may look, and not act, here.')
  }
}

type Checked = RouteCall<unknown, unknown, unknown>

async function checkedCall(route: RouteSpec, { request, params }: RoutedRequest, caller: Caller): Promise<Checked> {
  const requestId = isOnce(route) ? requestIdOf(request) : ''
  const query = Object.fromEntries(new URL(request.url).searchParams)
  const body =
    route.method === 'POST' ? await readJsonBody(request, route.bodyBytesMax) : { text: '', value: undefined }
  return {
    params: route.params === undefined ? {} : parsed(route.params, params),
    query: route.query === undefined ? {} : parsed(route.query, query),
    body: route.body === undefined ? {} : parsed(route.body, body.value),
    ...{ bodyText: body.text, caller, request, requestId, signal: request.signal },
  }
}

/** A change that is made once, however often it is asked for. */
function isOnce({ act, role }: RouteSpec): boolean {
  return act !== undefined && role !== 'anyone'
}

function requestIdOf(request: Request): string {
  const given = requestIdSchema.safeParse(request.headers.get('x-errand-request'))
  if (given.success) return given.data.toLowerCase()
  throw new Problem(400, 'invalid_argument', 'x-errand-request must be a UUID that is new for each change.', {
    field: 'x-errand-request',
  })
}

function parsed<T>(schema: z.ZodType<T>, value: unknown): T {
  const { success, data, error } = schema.safeParse(value)
  if (success) return data
  const [issue] = error.issues
  const field = issue?.path.map(String).join('.') ?? ''
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined
  const text = `${unknown ?? (field || 'the request')}: ${issue?.message ?? 'is not acceptable'}.`
  throw new Problem(400, 'invalid_argument', clipUtf8(text, 512), { field: unknown ?? field })
}

async function perform(parts: ServeParts, route: RouteSpec, call: Checked): Promise<Performed> {
  if (!isOnce(route)) return { answer: await route.handle(call), isRepeated: false }
  const content = [route.method, new URL(call.request.url).pathname, call.bodyText]
  return parts.once.run(call.requestId, content, () => route.handle(call))
}

function factsOf(route: RouteSpec, call: Checked): Partial<AuditFacts> {
  if (route.act === undefined) return {}
  const { reason } = call.body as { readonly reason?: unknown }
  return {
    ...(route.subject === undefined ? {} : { subject: route.subject(call) }),
    reason: typeof reason === 'string' && reason !== '' ? reason : null,
    requestId: call.requestId === '' ? null : call.requestId,
  }
}

function note(
  { audit }: ServeParts,
  { act }: RouteSpec,
  facts: Omit<AuditEntry, 'id' | 'atMs' | 'act'>,
  isStranger: boolean,
): void {
  if (act === undefined) return
  if (isStranger) audit.noteStranger({ act, ...facts })
  else audit.note({ act, ...facts })
}

/** What came of it: an id, or an outcome. */
function saysOf(answer: unknown): string | null {
  if (typeof answer !== 'object' || answer === null || answer instanceof Response) return null
  const { id, outcome } = answer as { readonly id?: unknown; readonly outcome?: unknown }
  const said = [outcome, id].filter(each => typeof each === 'string')
  return said.length === 0 ? null : said.join(' ')
}
