// Acting on one activity: enqueue, cancel, redrive, edit and redrive, discard. Each is safe to ask for twice.

import { z } from 'zod'
import { defineActivity } from '../client/define-activity.ts'
import type { Clock } from '../core/clock.ts'
import { parseExact } from '../core/exact-json.ts'
import { uuidv7TimeMs } from '../core/ids.ts'
import { memberText } from '../core/json-text.ts'
import type { ConsoleParts } from './console-parts.ts'
import { Problem } from './problem.ts'
import type { RouteCall, RouteSpec } from './route.ts'
import { defineRoute } from './route.ts'
import { editBody, enqueueBody, idParams, reasonBody } from './request-schemas.ts'
import { cancelledSchema, discardedSchema, enqueuedSchema, idSchema } from './schemas.ts'

/** Browsers' clocks are off; look-ups begin two minutes earlier. */
const ID_SKEW_MS_MAX = 60_000

/** The routes. */
export function actRoutes(parts: ConsoleParts): RouteSpec[] {
  const { client, options } = parts
  return [
    defineRoute({
      method: 'POST',
      path: '/activities',
      summary: 'enqueue an activity; asking again under the same UUIDv7 enqueues the same one',
      role: 'act',
      body: enqueueBody,
      answer: enqueuedSchema,
      act: 'enqueue',
      subject: ({ body }) => body.type,
      handle: call => enqueue(parts, call),
    }),
    defineRoute({
      method: 'POST',
      path: '/activities/:id/cancel',
      summary: 'end an activity that waits; ask one that runs to end',
      role: 'act',
      params: idParams,
      body: reasonBody,
      answer: cancelledSchema,
      act: 'cancel',
      subject: ({ params }) => params.id,
      handle: ({ params, body }) => client.cancel(params.id, body),
    }),
    defineRoute({
      method: 'POST',
      path: '/activities/:id/redrive',
      summary: 'enqueue a failed, dead-lettered or cancelled activity anew; twice gives the same one',
      role: 'act',
      params: idParams,
      body: reasonBody,
      answer: idSchema,
      act: 'redrive',
      subject: ({ params }) => params.id,
      handle: ({ params, body }) => client.redrive(params.id, body),
    }),
    defineRoute({
      method: 'POST',
      path: '/activities/:id/edit-and-redrive',
      summary: 'enqueue a failed, dead-lettered or cancelled activity anew with another payload; the original stays',
      role: 'act',
      params: idParams,
      body: editBody,
      answer: idSchema,
      act: 'edit-and-redrive',
      subject: ({ params }) => params.id,
      handle: ({ params, body: { reason }, bodyText, requestId }) => {
        const payload = parseExact(payloadTextOf(bodyText))
        return client.redrive(params.id, { reason, edit: { payload, newId: idOf(requestId, options.clock) } })
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/dead-letters/:id/discard',
      summary: 'set a dead letter aside that was dealt with; nothing is deleted, and redriving it undoes that',
      role: 'act',
      params: idParams,
      body: reasonBody,
      answer: discardedSchema,
      act: 'discard',
      subject: ({ params }) => params.id,
      handle: ({ params, body }) => client.discard(params.id, body),
    }),
  ]
}

type EnqueueCall = RouteCall<unknown, unknown, z.output<typeof enqueueBody>>

/** Whoever runs it checks it: what a type takes is not known here. */
const anything: z.ZodType = z.unknown()

async function enqueue({ client, options }: ConsoleParts, { body, bodyText, requestId }: EnqueueCall): Promise<object> {
  checkMetadataNames(bodyText)
  const { scheduledAtMs, ...rest } = body.options ?? {}
  const definition = defineActivity({ type: body.type, input: anything })
  const payload = 'payload' in body ? parseExact(payloadTextOf(bodyText)) : null
  const handle = await client.enqueue(definition, payload, {
    ...rest,
    id: rest.id ?? idOf(requestId, options.clock),
    ...(scheduledAtMs === undefined ? {} : { scheduledAt: new Date(scheduledAtMs) }),
  })
  return { id: handle.id, outcome: handle.outcome }
}

/** The schema passes over this one name, which would be lost without a word. Throws 400. */
function checkMetadataNames(bodyText: string): void {
  const { metadata } = JSON.parse(memberText(bodyText, 'options') ?? '{}') as { readonly metadata?: object }
  if (metadata === undefined || !Object.hasOwn(metadata, '__proto__')) return
  throw new Problem(400, 'invalid_argument', 'options.metadata: no name may be __proto__.', {
    field: 'options.metadata',
  })
}

/** The payload as it stands in the body, with every digit. */
function payloadTextOf(bodyText: string): string {
  return memberText(bodyText, 'payload') ?? 'null'
}

/**
 * A request's UUIDv7 is as good an id as any, and makes repeating safe across processes. By its time an activity is looked up in the
 * log, so one of another time, and other ids, are none.
 */
function idOf(requestId: string, clock: Clock): string | undefined {
  const atMs = uuidv7TimeMs(requestId)
  return atMs !== undefined && Math.abs(atMs - clock.nowMs()) <= ID_SKEW_MS_MAX ? requestId : undefined
}
