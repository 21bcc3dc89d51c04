// Names of topics and groups. Built from checked parts only, so that `ns.type.lane` is unambiguous.

import type { Priority } from './priority.ts'
import { PRIORITIES, isPriority } from './priority.ts'

/** The lane of one type at one priority: `ns.<type>.<priority>`. */
export function laneTopic(namespace: string, type: string, priority: Priority): string {
  return `${namespace}.${type}.${priority}`
}

/** The four lanes of a type, most urgent first. */
export function laneTopics(namespace: string, type: string): string[] {
  return PRIORITIES.map(priority => laneTopic(namespace, type, priority))
}

/** The lane that a topic is, or undefined when it is none of this namespace. */
export function parseLaneTopic(namespace: string, topic: string): { type: string; priority: Priority } | undefined {
  const [first, type, priority, ...rest] = topic.split('.')
  if (first !== namespace || type === undefined || rest.length > 0 || !isPriority(priority)) return undefined
  return { type, priority }
}

/** Scheduled and retried attempts, compacted, keyed by {@link delayKey}. */
export function delayTopic(namespace: string): string {
  return `${namespace}.delay`
}

/** What became of every attempt. */
export function outcomesTopic(namespace: string): string {
  return `${namespace}.outcomes`
}

/** Terminal failures and poison. */
export function dlqTopic(namespace: string): string {
  return `${namespace}.dlq`
}

/** The workers of one type. */
export function workersGroup(namespace: string, type: string): string {
  return `${namespace}.${type}.workers`
}

/** The workers of a lane's type, by the name of the lane. */
export function workersGroupOf(lane: string): string {
  return `${lane.slice(0, lane.lastIndexOf('.'))}.workers`
}

/** Those who read the delay topic into the due-time index. */
export function schedulerGroup(namespace: string): string {
  return `${namespace}.scheduler`
}

/** Keyed by id and attempt: by id alone, the tombstone of attempt n could erase the schedule of attempt n + 1. */
export function delayKey(id: string, attempt: number): string {
  return `${id}:${attempt}`
}
