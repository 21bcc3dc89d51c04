// Looking at activities: pages, one, what happened to it, searches, and what happens now.

import { ErrandError } from '../core/errors.ts'
import { CONSOLE_LIMITS } from '../core/limits.ts'
import type { Storage } from '../storage/storage.ts'
import { activityView, resultView } from './activity-view.ts'
import { briefPage } from './brief-failure.ts'
import type { ConsoleParts } from './console-parts.ts'
import { withRedactedError } from './redaction.ts'
import type { RouteCall, RouteSpec } from './route.ts'
import { defineRoute } from './route.ts'
import { idParams, listQuery, lookupQuery, searchQuery, streamQuery } from './request-schemas.ts'
import {
  activitySchema,
  eventsSchema,
  lookupSchema,
  pageOf,
  resultSchema,
  searchSchema,
  summarySchema,
} from './schemas.ts'
import { searchActivities } from './search.ts'

const activityPage = pageOf('ActivityPage', summarySchema)

/** RunnerQ's words for a list, where they are not ours. */
const RUNNERQ_LISTS: Readonly<Record<string, string>> = { processing: 'running' }

/** The routes. */
export function activityRoutes(parts: ConsoleParts): RouteSpec[] {
  return [...listRoutes(parts), ...oneRoutes(parts), streamRoute(parts)]
}

function listRoutes(parts: ConsoleParts): RouteSpec[] {
  const { options, client } = parts
  return [
    defineRoute({
      method: 'GET',
      path: '/activities',
      summary: 'a page of activities of one status, newest first',
      role: 'view',
      query: listQuery,
      answer: activityPage,
      handle: ({ query }) => briefPage(options, client.inspect.list(given(query))),
    }),
    defineRoute({
      method: 'GET',
      path: '/activities/search',
      summary: 'a bounded search in ids, errors, keys, metadata and payloads',
      role: 'view',
      isHeavy: true,
      query: searchQuery,
      answer: searchSchema,
      handle: ({ query, signal }) => searchActivities(options, { ...query, signal }),
    }),
    defineRoute({
      method: 'GET',
      path: '/lookup',
      summary: 'what an id or a key stands for',
      role: 'view',
      query: lookupQuery,
      answer: lookupSchema,
      handle: ({ query }) => lookup(parts, query),
    }),
  ]
}

function oneRoutes(parts: ConsoleParts): RouteSpec[] {
  const { options, client } = parts
  const { storage } = options
  return [
    defineRoute({
      method: 'GET',
      path: '/activities/:id',
      summary: 'everything about one activity',
      role: 'view',
      params: idParams,
      answer: activitySchema,
      handle: async ({ params }) => activityView(options, await known(parts, params.id)),
    }),
    defineRoute({
      method: 'GET',
      path: '/activities/:id/events',
      summary: 'what happened to an activity, oldest first',
      aliases: ['/observability/activities/:id/events'],
      role: 'view',
      params: idParams,
      answer: eventsSchema,
      handle: async ({ params }) => {
        const events = await client.inspect.events(params.id)
        return { events: events.map(event => withRedactedError(options, event, event.activityType)) }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/activities/:id/result',
      summary: 'the result of an activity, or null',
      aliases: ['/observability/activities/:id/result'],
      role: 'view',
      params: idParams,
      answer: resultSchema,
      handle: async ({ params: { id } }) => {
        const result = await client.inspect.result(id)
        // The hook is told whose it is, as far as anybody knows.
        const snapshot = options.redactPayload === null || result === null ? null : await storage.getActivity({ id })
        return { result: resultView(options, snapshot ?? { id, type: '', metadata: {} }, result) }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/observability/activities/:id',
      summary: "one activity, or the first page of a status: RunnerQ's path",
      role: 'view',
      params: idParams,
      answers: 'an Activity or an ActivityPage',
      handle: async ({ params: { id } }) => {
        const status = listQuery.shape.status.safeParse(RUNNERQ_LISTS[id] ?? id)
        return status.success
          ? briefPage(options, client.inspect.list({ status: status.data }))
          : activityView(options, await known(parts, id))
      },
    }),
  ]
}

function streamRoute(parts: ConsoleParts): RouteSpec {
  return defineRoute({
    method: 'GET',
    path: '/stream',
    summary: 'what happens from now on, as server-sent events: hello, activity, gap, source',
    aliases: ['/observability/stream'],
    role: 'view',
    query: streamQuery,
    answers: 'text/event-stream',
    handle: call => Promise.resolve(stream(parts, call)),
  })
}

interface StreamQuery {
  readonly id?: string | undefined
  readonly type?: string | undefined
  readonly after?: string | undefined
}

function stream({ hub }: ConsoleParts, { query, caller, request }: RouteCall<unknown, StreamQuery, unknown>): Response {
  const { after, ...filter } = query
  const lastEventId = request.headers.get('last-event-id') ?? after ?? null
  const body = hub.open({ address: caller.address, filter, lastEventId })
  // nginx would hold it back until a buffer is full.
  return new Response(body, { headers: { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' } })
}

/** Everything about an activity. Throws `not_found`. */
async function known(
  { client }: ConsoleParts,
  id: string,
): Promise<NonNullable<Awaited<ReturnType<typeof client.inspect.get>>>> {
  const snapshot = await client.inspect.get(id)
  if (snapshot !== null) return snapshot
  throw new ErrandError(
    'not_found',
    `no activity ${id} is remembered: not in Redis, the schedule, the lanes or the outcomes. What has ended is remembered for a while.`,
    { details: { id } },
  )
}

async function lookup(
  { options, lanes, client }: ConsoleParts,
  { text, type }: { readonly text: string; readonly type?: string | undefined },
): Promise<object> {
  const isId = idParams.safeParse({ id: text }).success
  const snapshot = isId ? await client.inspect.get(text) : null
  if (snapshot !== null) {
    const { type: ofType } = snapshot
    return { id: text, by: 'id', type: ofType, hits: [{ id: text, type: ofType }] }
  }
  const types = type === undefined ? [...new Set((await lanes.get()).value.map(lane => lane.type))] : [type]
  const hits = await keyHits(options.storage, types, text)
  const [first] = hits
  return first !== undefined && hits.length === 1 ? { ...first, by: 'key', hits } : { ...nothing, hits }
}

const nothing = { id: null, by: null, type: null }

/** Each type has keys of its own: one text may be a key of several. */
async function keyHits(
  storage: Storage,
  types: readonly string[],
  key: string,
): Promise<readonly { readonly id: string; readonly type: string }[]> {
  const hits: { readonly id: string; readonly type: string }[] = []
  for (let at = 0; at < types.length; at += CONSOLE_LIMITS.lookupsAtOnce) {
    const some = types.slice(at, at + CONSOLE_LIMITS.lookupsAtOnce)
    const ids = await Promise.all(some.map(type => storage.lookupKey({ type, key })))
    hits.push(...some.flatMap((type, n) => (ids[n] == null ? [] : [{ id: ids[n], type }])))
  }
  return hits
}

/** Without what was not given: the port tells left out from undefined. */
function given<T extends object>(query: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(query).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> }
}
