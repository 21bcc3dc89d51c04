// What spans say. Ids stand here and nowhere in the figures.

import type { Attributes } from '@opentelemetry/api'
import { failureFingerprint } from '../core/failure.ts'
import { workersGroupOf } from '../core/topics.ts'
import { errorType } from './error-type.ts'
import { ATTRIBUTES } from './semantic-conventions.ts'
import type { SpanEnd, SpanKind, SpanStart, TracedError } from './telemetry.ts'

/** On the wire, too, 0 stands for unlimited: a number that is sometimes text could not be searched for. */
const UNLIMITED = 0

/** What is known when a span starts. */
export function startAttributes(start: SpanStart, operationType: string): Attributes {
  const { kind, activity, coordinates, waitMs, workerId } = start
  const attributes: Attributes = {
    [ATTRIBUTES.system]: 'kafka',
    [ATTRIBUTES.operationName]: kind,
    [ATTRIBUTES.operationType]: operationType,
    [ATTRIBUTES.destinationTemplate]: activity.type,
    [ATTRIBUTES.messageId]: activity.id,
    [ATTRIBUTES.messageKey]: activity.id,
    [ATTRIBUTES.activityId]: activity.id,
    [ATTRIBUTES.activityType]: activity.type,
    [ATTRIBUTES.attempt]: activity.attempt,
    [ATTRIBUTES.maxAttempts]: activity.maxAttempts === 'unlimited' ? UNLIMITED : activity.maxAttempts,
    [ATTRIBUTES.priority]: activity.priority,
  }
  if (coordinates !== undefined) Object.assign(attributes, coordinateAttributes(kind, coordinates))
  if (waitMs !== undefined) attributes[ATTRIBUTES.waitMs] = waitMs
  if (workerId !== undefined) attributes[ATTRIBUTES.clientId] = workerId
  return attributes
}

/** What is known when it ends. */
export function endAttributes(kind: SpanKind, { outcome, coordinates, dueAtMs, error, failure }: SpanEnd): Attributes {
  const attributes: Attributes = { [ATTRIBUTES.outcome]: outcome }
  if (coordinates !== undefined) Object.assign(attributes, coordinateAttributes(kind, coordinates))
  if (dueAtMs !== undefined) attributes[ATTRIBUTES.dueAt] = new Date(dueAtMs).toISOString()
  if (error !== undefined) attributes[ATTRIBUTES.errorType] = errorType(error)
  const failed = failure ?? (kind === 'process' || kind === 'dead-letter' ? error : undefined)
  if (failed !== undefined) attributes[ATTRIBUTES.fingerprint] = fingerprintOf(failed)
  return attributes
}

// A dead letter is not sent to where it comes from, so that stands under names of its own, as in the headers of its record.
function coordinateAttributes(kind: SpanKind, coordinates: NonNullable<SpanStart['coordinates']>): Attributes {
  const { topic, partition, offset } = coordinates
  if (kind === 'dead-letter') {
    return {
      [ATTRIBUTES.sourceTopic]: topic,
      [ATTRIBUTES.sourcePartition]: partition,
      [ATTRIBUTES.sourceOffset]: Number(offset),
    }
  }
  return {
    [ATTRIBUTES.destinationName]: topic,
    [ATTRIBUTES.partitionId]: String(partition),
    [ATTRIBUTES.offset]: Number(offset),
    ...(kind === 'send' ? {} : { [ATTRIBUTES.consumerGroup]: workersGroupOf(topic) }),
  }
}

/** Up to three spans tell of one failure, and a fingerprint takes longer than all else of them. */
const fingerprints = new WeakMap<TracedError, string>()

function fingerprintOf(failure: TracedError): string {
  const known = fingerprints.get(failure)
  if (known !== undefined) return known
  const { name, message, code, stack } = failure
  const fingerprint = failureFingerprint({
    ...{ name, message },
    ...(code === undefined ? {} : { code }),
    ...(stack === undefined ? {} : { stack }),
  })
  fingerprints.set(failure, fingerprint)
  return fingerprint
}
