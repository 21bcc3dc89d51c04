// The columns of lists of activities: what matters of each status.

import type { JSX } from 'preact'
import type { Status } from '../../../core/activity.ts'
import type { ActivitySummary, DeadLetterSummary } from '../api-types.ts'
import { now } from '../now.ts'
import { spanText } from '../time-text.ts'
import { FailureLine } from './failure.tsx'
import { ActivityLink } from './links.tsx'
import type { Column } from './row-table.tsx'
import { StatusBadge } from './status.tsx'
import { Time } from './time.tsx'

const ID: Column<ActivitySummary> = { title: 'Activity', cell: ({ id }) => <ActivityLink id={id} isRow /> }
const TYPE: Column<ActivitySummary> = { title: 'Type', cell: ({ type }) => type }
const STATUS: Column<ActivitySummary> = { title: 'Status', cell: ({ status }) => <StatusBadge status={status} /> }
const ATTEMPT: Column<ActivitySummary> = { title: 'Attempt', isNumber: true, cell: attemptText }
const PRIORITY: Column<ActivitySummary> = { title: 'Priority', cell: ({ priority }) => priority }
const CREATED: Column<ActivitySummary> = { title: 'Enqueued', cell: ({ createdAtMs }) => <Time atMs={createdAtMs} /> }
const DUE: Column<ActivitySummary> = { title: 'Due', cell: ({ scheduledAtMs }) => <Time atMs={scheduledAtMs} /> }
const STARTED: Column<ActivitySummary> = { title: 'Started', cell: ({ startedAtMs }) => <Time atMs={startedAtMs} /> }
const ENDED: Column<ActivitySummary> = { title: 'Ended', cell: ({ endedAtMs }) => <Time atMs={endedAtMs} /> }
const TOOK: Column<ActivitySummary> = { title: 'Took', isNumber: true, cell: item => <Took item={item} /> }
const WORKER: Column<ActivitySummary> = { title: 'Worker', cell: ({ worker }) => worker ?? '–' }
const ERROR: Column<ActivitySummary> = { title: 'Error', cell: ({ error }) => <FailureLine error={error} /> }

/** A row of a list: of dead letters with whether they were discarded. */
export interface ListedActivity extends ActivitySummary, Partial<Pick<DeadLetterSummary, 'discarded'>> {}

/** Where discarded dead letters are listed too. */
export const DISCARDED: Column<ListedActivity> = {
  title: 'Discarded',
  cell: ({ discarded = null }) =>
    discarded === null ? (
      '–'
    ) : (
      <>
        <Time atMs={discarded.atMs} /> {discarded.reason}
      </>
    ),
}

/** The columns for a status. */
export function activityColumns(status: Status): readonly Column<ActivitySummary>[] {
  const first = [ID, TYPE, STATUS, ATTEMPT, PRIORITY]
  switch (status) {
    case 'pending':
      return [...first, CREATED, ERROR]
    case 'scheduled':
      return [...first, CREATED, DUE, ERROR]
    case 'running':
      return [...first, STARTED, TOOK, WORKER]
    case 'completed':
      return [...first, CREATED, ENDED, TOOK, WORKER]
    case 'failed':
    case 'dead_letter':
    case 'cancelled':
      return [...first, CREATED, ENDED, ERROR]
  }
}

/** The columns where any status may be. */
export const FOUND_COLUMNS: readonly Column<ActivitySummary>[] = [ID, TYPE, STATUS, ATTEMPT, CREATED, ENDED, ERROR]

/** `2 of 5`. */
export function attemptText({ attempt, maxAttempts }: Pick<ActivitySummary, 'attempt' | 'maxAttempts'>): string {
  return maxAttempts === 'unlimited' ? String(attempt) : `${attempt} of ${maxAttempts}`
}

function Took({ item }: { readonly item: ActivitySummary }): JSX.Element {
  const { startedAtMs, endedAtMs } = item
  return <>{startedAtMs === null ? '–' : spanText((endedAtMs ?? now.value) - startedAtMs)}</>
}
