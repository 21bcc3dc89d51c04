import { describe, expect, test } from 'vitest'
import type { ActivityEvent } from '../storage/storage.ts'
import { timelineEntries } from './timeline.ts'

type Said = Pick<ActivityEvent, 'type' | 'atMs'> & Partial<ActivityEvent>

/** The entries in short: `gap backoff 0-10`, `attempt 1 completed 10-20`. */
function shown(said: readonly Said[], nowMs: number, isOver: boolean): string[] {
  const events = said.map((event): ActivityEvent => ({ id: 'a', activityType: 't', attempt: 1, ...event }))
  return timelineEntries(events, nowMs, isOver).map(entry => {
    if (entry.kind === 'event') return `${entry.type} ${entry.atMs}`
    if (entry.kind === 'gap') return `${entry.reason} ${entry.fromMs}-${entry.untilMs ?? '…'} (${entry.durationMs})`
    return `attempt ${entry.attempt} ${entry.outcome} ${entry.startedAtMs ?? '?'}-${entry.endedAtMs ?? '…'} (${entry.durationMs})`
  })
}

describe('a timeline', () => {
  test.each<[string, Said[], number, boolean, string[]]>([
    ['of nothing', [], 10, false, []],
    ['of one that waits', [{ type: 'enqueued', atMs: 5 }], 10, false, ['enqueued 5', 'waited 5-… (5)']],
    [
      'of one that is not due yet ends when it is',
      [
        { type: 'enqueued', atMs: 5 },
        { type: 'scheduled', atMs: 5, dueAtMs: 50 },
      ],
      10,
      false,
      ['enqueued 5', 'delay 5-50 (45)'],
    ],
    [
      'of one that is overdue',
      [
        { type: 'enqueued', atMs: 5 },
        { type: 'scheduled', atMs: 5, dueAtMs: 8 },
      ],
      10,
      false,
      ['enqueued 5', 'delay 5-8 (3)', 'waited 8-… (2)'],
    ],
    [
      'of one that runs',
      [
        { type: 'enqueued', atMs: 0 },
        { type: 'started', atMs: 4, worker: 'w' },
      ],
      10,
      false,
      ['enqueued 0', 'waited 0-4 (4)', 'attempt 1 running 4-… (6)'],
    ],
    [
      'of one that was tried again',
      [
        { type: 'enqueued', atMs: 0 },
        { type: 'scheduled', atMs: 0, dueAtMs: 10 },
        { type: 'started', atMs: 12 },
        { type: 'retrying', atMs: 20, dueAtMs: 30 },
        { type: 'started', atMs: 30, attempt: 2 },
        { type: 'completed', atMs: 35, attempt: 2 },
      ],
      99,
      true,
      [
        ...['enqueued 0', 'delay 0-10 (10)', 'waited 10-12 (2)', 'attempt 1 retrying 12-20 (8)'],
        ...['backoff 20-30 (10)', 'attempt 2 completed 30-35 (5)'],
      ],
    ],
    [
      'of a lost lease: what follows only waits',
      [
        { type: 'enqueued', atMs: 0 },
        { type: 'started', atMs: 0 },
        { type: 'lease_expired', atMs: 10 },
        { type: 'started', atMs: 15, attempt: 2 },
      ],
      20,
      false,
      ['enqueued 0', 'attempt 1 lease_expired 0-10 (10)', 'waited 10-15 (5)', 'attempt 2 running 15-… (5)'],
    ],
    [
      'of one that was cancelled before it ran: it waited until then, and no attempt is made up',
      [
        { type: 'enqueued', atMs: 0 },
        { type: 'scheduled', atMs: 0, dueAtMs: 90 },
        { type: 'cancelled', atMs: 20 },
      ],
      99,
      true,
      ['enqueued 0', 'delay 0-20 (20)', 'attempt 1 cancelled ?-20 (null)'],
    ],
    [
      'of an attempt whose end nobody recorded',
      [
        { type: 'enqueued', atMs: 0 },
        { type: 'started', atMs: 0 },
        { type: 'started', atMs: 10, attempt: 2 },
        { type: 'cancel_requested', atMs: 12, attempt: 2 },
        { type: 'cancelled', atMs: 15, attempt: 2 },
      ],
      20,
      true,
      ['enqueued 0', 'attempt 1 unknown 0-… (10)', 'cancel_requested 12', 'attempt 2 cancelled 10-15 (5)'],
    ],
    [
      'whose clocks disagree is never negative',
      [
        { type: 'enqueued', atMs: 10 },
        { type: 'started', atMs: 5 },
        { type: 'completed', atMs: 3 },
      ],
      0,
      true,
      ['enqueued 10', 'attempt 1 completed 5-3 (0)'],
    ],
    ['of which only the beginning is left', [{ type: 'enqueued', atMs: 0 }], 99, true, ['enqueued 0']],
  ])('%s', (_, events, nowMs, isOver, expected) => {
    expect(shown(events, nowMs, isOver)).toEqual(expected)
  })
})
