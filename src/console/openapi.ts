// The API in the words of OpenAPI 3.1, from the same schemas by which requests are checked.

import { z } from 'zod'
import type { RouteSpec } from './route.ts'
import { SCHEMA_NAMES, problemSchema } from './schemas.ts'

/** Any JSON. */
type Json = Readonly<Record<string, unknown>>

/** The document. `version`: of Errand. */
export function openApiOf(routes: readonly RouteSpec[], version: string | null): Json {
  const paths: Record<string, Record<string, Json>> = {}
  for (const route of routes) {
    const path = `/api${route.path}`.replaceAll(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Errand console',
      version: version ?? '0',
      description:
        'What the console shows and does. Times are ms since the epoch. Changes are POSTs with content-type application/json and a UUID of their own in x-errand-request: asked for again under the same one, nothing new is done.',
    },
    // Relative to where this document stands.
    servers: [{ url: '..' }],
    paths,
    components: {
      schemas: componentSchemas(),
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        session: { type: 'apiKey', in: 'cookie', name: 'errand_session', description: 'The name has a suffix.' },
      },
    },
  }
}

function operationOf(route: RouteSpec): Json {
  const { summary, role, params, query, body, act } = route
  const isChange = act !== undefined && role !== 'anyone'
  const parameters = [
    ...parametersOf(params, 'path'),
    ...parametersOf(query, 'query'),
    ...(isChange
      ? [{ name: 'x-errand-request', in: 'header', required: true, schema: { type: 'string', format: 'uuid' } }]
      : []),
  ]
  return {
    summary,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: inputSchema(body) } } } }),
    responses: { 200: answerOf(route), default: problem },
    ...(role === 'anyone' ? {} : { security: [{ bearer: [] }, { session: [] }] }),
    'x-errand-role': role,
  }
}

const problem: Json = {
  description: 'What went wrong',
  content: { 'application/json': { schema: reference(problemSchema) } },
}

function answerOf({ answer, answers, method, path }: RouteSpec): Json {
  if (answer !== undefined) {
    return { description: 'OK', content: { 'application/json': { schema: reference(answer) } } }
  }
  const type = path.endsWith('/stream') ? 'text/event-stream' : 'application/json'
  return { description: answers ?? `${method} ${path}`, content: { [type]: {} } }
}

function parametersOf(schema: z.ZodType | undefined, where: 'path' | 'query'): Json[] {
  if (schema === undefined) return []
  // What a query's texts are read as says more than that they are texts.
  const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: 'output' }) as {
    properties?: Readonly<Record<string, Json>>
    required?: readonly string[]
  }
  return Object.entries(properties).map(([name, shape]) => {
    const isRequired = where === 'path' || (required.includes(name) && !('default' in shape))
    return { name, in: where, required: isRequired, schema: shape }
  })
}

function inputSchema(schema: z.ZodType): Json {
  const { $schema: _, ...shape } = z.toJSONSchema(schema, { io: 'input' })
  return shape
}

function reference(schema: z.ZodType): Json {
  const id = SCHEMA_NAMES.get(schema)?.id
  return id === undefined ? inputSchema(schema) : { $ref: `#/components/schemas/${id}` }
}

function componentSchemas(): Json {
  const { schemas } = z.toJSONSchema(SCHEMA_NAMES, { uri: id => `#/components/schemas/${id}`, io: 'output' })
  return Object.fromEntries(
    Object.entries(schemas).map(([id, { $schema: _schema, $id: _id, ...shape }]) => [id, shape]),
  )
}
