// Dead letters and bulk work: pages, groups, counts before, and operations that run on the server side.

import { groupDeadLetters } from '../operations/dead-letter-groups.ts'
import type { OperationSpec } from '../operations/operation.ts'
import { OPERATION_TYPE } from '../operations/operation.ts'
import { previewOperation } from '../operations/preview-operation.ts'
import { startOperation } from '../operations/start-operation.ts'
import { listOperations, readOperation } from '../operations/watch-operation.ts'
import { CONSOLE_LIMITS, OPERATION_LIMITS } from '../core/limits.ts'
import { clipUtf8 } from '../core/text.ts'
import { briefPage, briefed } from './brief-failure.ts'
import type { ConsoleParts } from './console-parts.ts'
import { redactedError, withRedactedError } from './redaction.ts'
import type { RouteCall, RouteSpec } from './route.ts'
import { defineRoute } from './route.ts'
import {
  bulkCancelBody,
  bulkDiscardBody,
  bulkRedriveBody,
  deadLettersQuery,
  groupsQuery,
  idParams,
  operationsQuery,
  previewBody,
  reasonBody,
} from './request-schemas.ts'
import {
  cancelledSchema,
  deadLetterSchema,
  groupsSchema,
  operationSchema,
  operationsSchema,
  pageOf,
  previewSchema,
  startedSchema,
} from './schemas.ts'

const deadLetterPage = pageOf('DeadLetterPage', deadLetterSchema)
const [, LOOKED_AT] = CONSOLE_LIMITS.lookedAt

/** The routes. */
export function bulkRoutes(parts: ConsoleParts): RouteSpec[] {
  return [...deadLetterRoutes(parts), ...startRoutes(parts), ...operationRoutes(parts)]
}

function deadLetterRoutes({ client, options }: ConsoleParts): RouteSpec[] {
  const { storage } = options
  return [
    defineRoute({
      method: 'GET',
      path: '/dead-letters',
      summary: 'a page of dead letters, newest first; those that were discarded where they are asked for',
      aliases: ['/dead-letter', '/observability/dead-letter'],
      role: 'view',
      query: deadLettersQuery,
      answer: deadLetterPage,
      handle: ({ query: { type, cursor = null, limit, includeDiscarded } }) =>
        briefPage(
          options,
          client.inspect.deadLetters({
            cursor,
            includeDiscarded: includeDiscarded === 'true',
            ...(type === undefined ? {} : { type }),
            ...(limit === undefined ? {} : { limit }),
          }),
        ),
    }),
    defineRoute({
      method: 'GET',
      path: '/dead-letters/groups',
      summary: 'dead letters by what went wrong, of the newest',
      role: 'view',
      isHeavy: true,
      query: groupsQuery,
      answer: groupsSchema,
      handle: async ({ query, signal }) => {
        const found = await groupDeadLetters(storage, { limit: LOOKED_AT, ...query, signal })
        const groups = found.groups.map(group => {
          const whose = { id: group.sampleIds[0] ?? '', type: group.types[0] ?? '', metadata: {} }
          return { ...group, error: redactedError(options, whose, group.error) }
        })
        return { ...found, groups }
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/dead-letters/preview',
      summary: 'count what bulk work would act on; changes nothing',
      aliases: ['/operations/preview'],
      role: 'view',
      isHeavy: true,
      body: previewBody,
      answer: previewSchema,
      handle: async ({ body, signal }) => {
        const preview = await previewOperation({ storage, spec: body, limit: LOOKED_AT, signal })
        return {
          ...preview,
          samples: preview.samples.map(sample => briefed(withRedactedError(options, sample, sample.type ?? ''))),
        }
      },
    }),
  ]
}

function startRoutes(parts: ConsoleParts): RouteSpec[] {
  return [
    defineRoute({
      method: 'POST',
      path: '/dead-letters/redrive',
      summary: 'redrive what a filter matches, at a rate, on the server side',
      role: 'act',
      body: bulkRedriveBody,
      answer: startedSchema,
      act: 'start-operation',
      subject: ({ body }) => `redrive ${JSON.stringify(body.filter)}`,
      handle: call => start(parts, call, { ...call.body, kind: 'redrive' }),
    }),
    defineRoute({
      method: 'POST',
      path: '/dead-letters/discard',
      summary: 'discard what a filter matches, at a rate, on the server side',
      role: 'act',
      body: bulkDiscardBody,
      answer: startedSchema,
      act: 'start-operation',
      subject: ({ body }) => `discard ${JSON.stringify(body.filter)}`,
      handle: call => start(parts, call, { ...call.body, kind: 'discard' }),
    }),
    defineRoute({
      method: 'POST',
      path: '/activities/cancel',
      summary: 'cancel what a filter matches, at a rate, on the server side',
      role: 'act',
      body: bulkCancelBody,
      answer: startedSchema,
      act: 'start-operation',
      subject: ({ body }) => `cancel ${JSON.stringify(body.filter)}`,
      handle: call => start(parts, call, { ...call.body, kind: 'cancel' }),
    }),
  ]
}

function operationRoutes(parts: ConsoleParts): RouteSpec[] {
  const { client, options } = parts
  const { storage } = options
  return [
    defineRoute({
      method: 'GET',
      path: '/operations',
      summary: 'bulk work that was busy last, newest first',
      role: 'view',
      query: operationsQuery,
      answer: operationsSchema,
      handle: async ({ query }) => ({
        operations: await listOperations(storage, query),
        servedBy: await servedBy(parts),
      }),
    }),
    defineRoute({
      method: 'GET',
      path: '/operations/:id',
      summary: 'how far one has come',
      role: 'view',
      params: idParams,
      answer: operationSchema,
      handle: ({ params }) => readOperation(storage, params.id),
    }),
    defineRoute({
      method: 'POST',
      path: '/operations/:id/cancel',
      summary: 'stop one; what it has done stays',
      role: 'act',
      params: idParams,
      body: reasonBody,
      answer: cancelledSchema,
      act: 'cancel-operation',
      subject: ({ params }) => params.id,
      handle: async ({ params, body }) => {
        await readOperation(storage, params.id) // throws not_found for what is none
        return client.cancel(params.id, body)
      },
    }),
  ]
}

async function start(
  parts: ConsoleParts,
  { caller, requestId }: RouteCall<unknown, unknown, unknown>,
  spec: OperationSpec,
): Promise<object> {
  const { storage, clock, logger } = parts.options
  const requestedBy = clipUtf8(caller.who, OPERATION_LIMITS.requestedByBytesMax)
  const started = await startOperation({ storage, clock, logger, spec: { ...spec, requestedBy }, requestId })
  return { ...started, servedBy: await servedBy(parts) }
}

/** How many processes run operations; null when that is not known. */
async function servedBy({ lanes, options }: ConsoleParts): Promise<number | null> {
  try {
    const { value } = await lanes.get()
    return value.find(({ type }) => type === OPERATION_TYPE)?.consumers ?? null
  } catch (error) {
    options.logger.debug('nobody can say who runs operations', { error: String(error) })
    return null
  }
}
