// Cancel, redrive and discard: the three things that people do to an activity.

import { randomUUID } from 'node:crypto'
import type { Activity, Status } from '../../core/activity.ts'
import { isTerminal } from '../../core/activity.ts'
import { crossing } from '../../core/crash-point.ts'
import { noDeadLetter, redrivenAlready } from '../../core/discard.ts'
import { ErrandError } from '../../core/errors.ts'
import { cancelledFailure } from '../../core/failure.ts'
import type { IdSource } from '../../core/ids.ts'
import { uuidv7TimeMs } from '../../core/ids.ts'
import { LIMITS } from '../../core/limits.ts'
import { checkId } from '../../core/names.ts'
import { checkEdit, redrivenBefore, redrivenFrom } from '../../core/redrive.ts'
import { checkText } from '../../core/text.ts'
import { delayKey } from '../../core/topics.ts'
import { decodeActivity } from '../../wire/activity-record.ts'
import { noteDiscard } from '../redis/discards.ts'
import { cancel, confirmRedrive, decideRedrive, errorResultText, readMarkers, readRedrive } from '../redis/markers.ts'
import type { Marker } from '../redis/markers.ts'
import { indexed, parseValue } from '../redis/schedule.ts'
import type { SideStore } from '../redis/side-store.ts'
import type { CancelAnswer, DiscardAnswer, RedriveParams } from '../storage.ts'
import type { LogSearch } from './log-search.ts'
import type { Publisher } from './publisher.ts'
import type { TopicCatalog } from './topic-catalog.ts'

/** Between the look and the cancel an attempt can end and another begin; then it is looked at again. */
const TRIES_MAX = 5

/** Cancels, redrives and discards. */
export class Canceller {
  readonly #store: SideStore
  readonly #publisher: Publisher
  readonly #search: LogSearch
  readonly #catalog: TopicCatalog
  readonly #restore: () => Promise<void>
  readonly #ids: IdSource

  constructor(parts: {
    store: SideStore
    publisher: Publisher
    search: LogSearch
    catalog: TopicCatalog
    restore: () => Promise<void>
    ids: IdSource
  }) {
    this.#restore = parts.restore
    this.#store = parts.store
    this.#publisher = parts.publisher
    this.#search = parts.search
    this.#catalog = parts.catalog
    this.#ids = parts.ids
  }

  async cancel(params: Readonly<{ id: string; reason?: string }>): Promise<CancelAnswer> {
    const id = checkId(params.id)
    const reason = checkReason(params.reason) || 'cancelled' // an empty one says nothing: the same as none
    await this.#restore() // else what waits may only seem to be unknown
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const answer = await this.#tryCancel(id, reason)
      if (answer !== 'moved') return answer
    }
    throw new ErrandError('conflict', `activity ${id} kept changing while it was to be cancelled; try again.`, {
      details: { id },
    })
  }

  async #tryCancel(id: string, reason: string): Promise<CancelAnswer | 'moved'> {
    const [marker] = await readMarkers(this.#store, [id])
    if (marker !== null && marker !== undefined && isTerminal(marker.status as Status))
      return { outcome: 'already_ended' }
    const waiting = await this.#waiting(id, marker ?? null)
    if (waiting === null) return this.#goneMeanwhile(id, marker ?? null)
    // A lane record says that it waited once; without a marker only its outcome says whether it still does.
    if (marker === null && waiting.isInLane && (await this.#search.terminalOutcome(id)) !== null)
      return { outcome: 'already_ended' }
    const { activity } = waiting
    const error = cancelledFailure(reason)
    const result = errorResultText({ outcome: 'cancelled', failure: error, attempts: activity.retryCount }) ?? ''
    const request = {
      activity,
      key: activity.key?.key ?? marker?.key ?? null,
      reason,
      error,
      result,
      ...(waiting.member === null ? {} : { member: waiting.member }),
      isKnown: waiting.isInLane,
      token: randomUUID(),
    }
    const answer = await crossing('cancel.decided', () => cancel(this.#store, request))
    if (answer.verdict === 'unrestored') await this.#restore()
    if (answer.verdict === 'requested') return { outcome: 'cancel_requested' }
    if (answer.verdict === 'ended') return { outcome: 'already_ended' }
    if (answer.verdict !== 'cancelled') return 'moved'
    const records = this.#publisher.settlement({
      activity,
      outcome: 'cancelled',
      leaseId: null,
      worker: null,
      startedAtMs: null,
      endedAtMs: answer.endedAtMs,
      dueAtMs: null,
      error,
      resultJson: null,
      source: null,
      traceparent: null,
    })
    await crossing('cancel.published', () => this.#publisher.writeAll(records))
    if (answer.value !== '') {
      // Only now: until the outcome is written, the delay record is what brings somebody here to write it.
      const member = waiting.member ?? delayKey(id, activity.attempt)
      const tombstone = this.#publisher.tombstone(member, parseValue(member, answer.value).partition)
      await crossing('cancel.tombstoned', () => this.#publisher.writeAll([tombstone]))
    }
    return { outcome: 'cancelled' }
  }

  // Looking through the log takes time, in which it may have been claimed, ended, and its lane trimmed.
  async #goneMeanwhile(id: string, before: Marker | null): Promise<CancelAnswer | 'moved'> {
    const [now] = await readMarkers(this.#store, [id])
    if (now?.status !== before?.status || now?.attempt !== before?.attempt) return 'moved'
    if ((await this.#search.terminalOutcome(id)) !== null) return { outcome: 'already_ended' }
    throw notFound(id)
  }

  /** The attempt that waits (or runs): from the marker, the schedule (`member`: where there), its home, or the log. */
  async #waiting(id: string, marker: Marker | null): Promise<Waiting | null> {
    if (marker?.envelope !== null && marker !== null)
      return { activity: decodeActivity(marker.envelope), isInLane: false, member: null }
    const members = [delayKey(id, marker?.attempt ?? 1), marker?.home ?? null]
    for (const member of members.filter(each => each !== null)) {
      const scheduled = await indexed(this.#store, member)
      if (scheduled !== null) return { activity: decodeActivity(scheduled.entry.envelope), isInLane: false, member }
    }
    const found = await this.#search.laneRecord(id, { type: marker?.type })
    return found === null ? null : { activity: found.activity, isInLane: true, member: null }
  }

  async redrive(params: Readonly<RedriveParams>): Promise<{ readonly id: string }> {
    const id = checkId(params.id)
    checkReason(params.reason)
    const edit = checkEdit(params.edit)
    await this.#restore() // else what it was redriven as may only seem to be unknown
    const known = await readRedrive(this.#store, id)
    if (known !== null && edit !== undefined && known.newId !== edit.newId) throw redrivenBefore(id, known.newId)
    if (known?.isProduced === true) return { id: known.newId }
    const [marker] = await readMarkers(this.#store, [id])
    const original = await this.#original(id, marker ?? null)
    await this.#catalog.declare([original.type]) // whoever redrives need not know the type
    // Before anything is decided: it throws when the metadata has no room.
    if (edit !== undefined) redrivenFrom(original, { id: edit.newId, createdAtMs: 0 }, undefined, edit)
    // Redis decides on one id for all who redrive this one; whoever comes here before it is produced produces it.
    const newId = await decideRedrive(this.#store, id, edit?.newId ?? this.#ids.next())
    // Whoever redrives one whose edit was cut off before it was produced gives it the old payload: the edit was never accepted.
    if (edit !== undefined && newId !== edit.newId) throw redrivenBefore(id, newId)
    const nowMs = this.#store.clock.nowMs()
    const createdAtMs = Math.min(uuidv7TimeMs(newId) ?? nowMs, nowMs)
    const activity = redrivenFrom(original, { id: newId, createdAtMs }, params.traceOf, edit)
    await crossing('redrive.enqueued', () => this.#publisher.writeAll([this.#publisher.lane(activity)]))
    await crossing('redrive.confirmed', () => confirmRedrive(this.#store, id))
    return { id: newId }
  }

  async discard(params: Readonly<{ id: string; reason?: string }>): Promise<DiscardAnswer> {
    const id = checkId(params.id)
    const reason = checkReason(params.reason) || null // an empty one says nothing: the same as none
    await this.#restore() // else what it was redriven as may only seem to be unknown
    const [marker = null] = await readMarkers(this.#store, [id])
    if (marker?.status !== 'dead_letter') await this.#expectDeadLetter(id, marker)
    const redriven = await readRedrive(this.#store, id)
    if (redriven !== null) throw redrivenAlready(id, redriven.newId)
    const isNew = await noteDiscard(this.#store, id, { atMs: this.#store.clock.nowMs(), reason })
    return { outcome: isNew ? 'discarded' : 'already' }
  }

  /** Of one that Redis does not remember as a dead letter. Throws when the log does not know it as one either. */
  async #expectDeadLetter(id: string, marker: Marker | null): Promise<void> {
    if (marker !== null) throw noDeadLetter(id, marker.status)
    if ((await this.#search.deadLetter(id)) !== null) return
    const outcome = await this.#search.terminalOutcome(id)
    if (outcome !== null) throw noDeadLetter(id, outcome.outcome)
    throw (await this.#waiting(id, null)) === null ? notFound(id) : noDeadLetter(id, 'waiting')
  }

  async #original(id: string, marker: Marker | null): Promise<Activity> {
    const letter = await this.#search.deadLetter(id, marker?.settled?.endedAtMs)
    if (letter !== null) {
      const { activity, traceparent } = letter
      return { ...activity, attemptTraceparent: traceparent ?? activity.attemptTraceparent }
    }
    const outcome = await this.#search.terminalOutcome(id, marker?.settled?.endedAtMs)
    if (outcome !== null && outcome.outcome !== 'completed' && outcome.envelope !== null)
      return decodeActivity(outcome.envelope)
    const status = outcome?.outcome ?? marker?.status
    if (status === 'completed' || (marker !== null && !isTerminal(marker.status as Status))) {
      throw new ErrandError(
        'conflict',
        `activity ${id} is ${status}; only what has failed, was dead-lettered or cancelled can be redriven.`,
        { details: { id, status } },
      )
    }
    if (outcome === null && marker === null && (await this.#waiting(id, null)) !== null) {
      throw new ErrandError('conflict', `activity ${id} waits; only what has ended can be redriven.`, {
        details: { id },
      })
    }
    if (marker !== null) {
      throw new ErrandError(
        'unavailable',
        `activity ${id} is ${marker.status}, which is not in the log yet; try again.`,
        { details: { id } },
      )
    }
    throw notFound(id)
  }
}

interface Waiting {
  readonly activity: Activity
  readonly isInLane: boolean
  readonly member: string | null
}

function checkReason(reason: string | undefined): string | undefined {
  return reason === undefined ? undefined : checkText('reason', reason, LIMITS.reasonBytesMax, 0)
}

/** Nothing of that id is remembered. */
export function notFound(id: string): ErrandError {
  return new ErrandError(
    'not_found',
    `no activity ${id} is remembered: not in Redis, the schedule, the lanes or the outcomes.`,
    {
      details: { id },
    },
  )
}
