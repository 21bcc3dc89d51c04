// How things stand: counts, lanes, charts, workers, topics, health, findings, what was done.

import type { ConsoleParts } from './console-parts.ts'
import type { RouteSpec } from './route.ts'
import { defineRoute } from './route.ts'
import { seriesQuery } from './request-schemas.ts'
import {
  auditSchema,
  doctorSchema,
  healthSchema,
  lanesSchema,
  seriesSchema,
  statsSchema,
  topicsSchema,
  workersSchema,
} from './schemas.ts'
import { topicsView } from './topic-view.ts'
import { workersView } from './worker-view.ts'

/** The routes. */
export function figureRoutes(parts: ConsoleParts): RouteSpec[] {
  return [...countRoutes(parts), ...deploymentRoutes(parts)]
}

function countRoutes({ stats, lanes, series }: ConsoleParts): RouteSpec[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/stats',
      summary: 'counts by status, in all, by type and by priority',
      aliases: ['/observability/stats'],
      role: 'view',
      answer: statsSchema,
      handle: async () => {
        const { value, asOfMs, trouble } = await stats.get()
        return { ...value, asOfMs, trouble }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/lanes',
      summary: 'how the lane of each type and priority stands',
      role: 'view',
      answer: lanesSchema,
      handle: async () => {
        const { value, asOfMs, trouble } = await lanes.get()
        return { lanes: value, asOfMs, trouble }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/series',
      summary: 'minutes of counts and depths by type, since this process began',
      role: 'view',
      query: seriesQuery,
      answer: seriesSchema,
      handle: ({ query }) => Promise.resolve(series.shown(query)),
    }),
  ]
}

function deploymentRoutes(parts: ConsoleParts): RouteSpec[] {
  const { options, lanes, audit } = parts
  return [
    defineRoute({
      method: 'GET',
      path: '/workers',
      summary: 'who holds what, and who subscribes to which type',
      role: 'view',
      isHeavy: true,
      answer: workersSchema,
      handle: async () => workersView(options.storage, (await lanes.get()).value),
    }),
    defineRoute({
      method: 'GET',
      path: '/topics',
      summary: 'topics with partitions, frontiers and settings, and consumer groups',
      role: 'view',
      answer: topicsSchema,
      handle: () => topics(parts),
    }),
    defineRoute({
      method: 'GET',
      path: '/doctor',
      summary: 'what is wrong with the deployment, and what to do about it',
      role: 'view',
      answer: doctorSchema,
      handle: () => doctor(parts),
    }),
    defineRoute({
      method: 'GET',
      path: '/health',
      summary: 'whether Kafka, Redis and the consumers of the console itself are well',
      role: 'view',
      answer: healthSchema,
      handle: () => options.storage.health(),
    }),
    defineRoute({
      method: 'GET',
      path: '/audit',
      summary: 'what was done or refused in this process, newest first',
      role: 'view',
      answer: auditSchema,
      handle: () => Promise.resolve({ entries: audit.latest() }),
    }),
  ]
}

async function topics({ lanes, diagnosis }: ConsoleParts): Promise<object> {
  const { value: figures } = await lanes.get()
  if (diagnosis === null) {
    return { lanes: figures, topics: [], groups: [], isKnown: false, asOfMs: null, trouble: null }
  }
  const { value, asOfMs, trouble } = await diagnosis.get()
  const seen = value.facts === undefined ? { topics: [], groups: [] } : topicsView(value.facts)
  return { lanes: figures, ...seen, isKnown: value.facts?.kafka.topics !== undefined, asOfMs, trouble }
}

async function doctor({ diagnosis }: ConsoleParts): Promise<object> {
  if (diagnosis === null) return { isAvailable: false, asOfMs: null, trouble: null, findings: [], notChecked: [] }
  const { value, asOfMs, trouble } = await diagnosis.get()
  return { isAvailable: true, asOfMs, trouble, findings: value.findings, notChecked: value.notChecked ?? [] }
}
