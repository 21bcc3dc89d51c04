// When each alert fires and when it does not, as `promtool test rules` tries it. One value a minute, in promtool's notation:
// `3x20` is 3 and twenty times more, `0+2x20` grows by 2 each time, `stale` is an end.

import type { Label, Metric } from './metrics.ts'
import { LABELS, METRICS } from './metrics.ts'
import { scrapedName } from './prometheus-names.ts'

/** One situation. */
export interface AlertCase {
  readonly alert: string
  readonly says: string
  readonly series: readonly GivenSeries[]
  readonly atMinute: number
  /** The labels of each alert that fires then; none: it rests. */
  readonly fires: readonly Readonly<Record<string, string>>[]
}

interface GivenSeries {
  readonly series: string
  readonly values: string
}

const m = METRICS
const { type, priority, outcome } = LABELS
const SHOP = { namespace: 'shop' }
const MAIL = { ...SHOP, [type]: 'mail' }
const LANE = { ...MAIL, [priority]: 'normal' }
const WORKER = { ...SHOP, job: 'worker' }

/** Every situation. Times are those of the rule and the window that it looks at, and a little. */
export const ALERT_CASES: readonly AlertCase[] = [
  fires('ErrandNobodyConsumes', 'work waits and nobody takes it', 7, [MAIL], [pending('12x30'), running('0x30')]),
  fires(
    'ErrandNobodyConsumes',
    'two reapers tell the same',
    7,
    [MAIL],
    [given(m.pending, { ...LANE, instance: 'a' }, '12x30'), given(m.pending, { ...LANE, instance: 'b' }, '12x30')],
  ),
  rests('ErrandNobodyConsumes', 'attempts are handed out', 20, [pending('12x30'), running('0x30'), consumed('0+3x30')]),
  rests('ErrandNobodyConsumes', 'a long attempt runs', 20, [pending('12x30'), running('1x30')]),
  rests('ErrandNobodyConsumes', 'nothing waits', 20, [pending('0x30'), running('0x30')]),

  fires('ErrandReaperAbsent', 'workers run without any', 7, [SHOP, {}], [given(m.slotsLimit, WORKER, '50x30')]),
  fires('ErrandReaperAbsent', 'the only one has gone', 80, [SHOP, {}], [pending('0x70 stale')]),
  fires(
    'ErrandReaperAbsent',
    'the one of this namespace has gone',
    80,
    [SHOP],
    [pending('0x70 stale'), given(m.pending, { ...LANE, namespace: 'other' }, '0x90')],
  ),
  rests('ErrandReaperAbsent', 'one reports', 20, [given(m.slotsLimit, WORKER, '50x30'), pending('0x30')]),

  fires(
    'ErrandOldestPendingTooOld',
    'the oldest is six minutes old',
    7,
    [LANE],
    [given(m.oldestPending, LANE, '360x30')],
  ),
  fires(
    'ErrandOldestPendingTooOld',
    'told with the unit in its name',
    7,
    [LANE],
    [{ series: text('errand_lane_oldest_pending_age_seconds', LANE), values: '360x30' }],
  ),
  rests('ErrandOldestPendingTooOld', 'it is exactly five minutes old', 20, [given(m.oldestPending, LANE, '300x30')]),
  rests('ErrandOldestPendingTooOld', 'it was, for a moment', 8, [given(m.oldestPending, LANE, '0x3 360x2 0x20')]),

  fires(
    'ErrandFrontierStuck',
    'one partition stands while others are worked on',
    15,
    [MAIL],
    [given(m.frontierAge, LANE, '0+60x30'), consumed('0+5x30')],
  ),
  rests('ErrandFrontierStuck', 'a long attempt holds it, and will not for long', 20, [
    given(m.frontierAge, LANE, '300x30'),
    consumed('0+5x30'),
  ]),
  rests('ErrandFrontierStuck', 'nobody works, which another alert tells', 20, [given(m.frontierAge, LANE, '0+60x30')]),

  fires(
    'ErrandDeadLettersGrowing',
    'the very first of a type',
    22,
    [MAIL],
    [given(m.deadLetters, LANE, '0x20 1x20'), given(m.settled, { ...LANE, [outcome]: 'dead_letter' }, '_x20 1x20')],
  ),
  fires(
    'ErrandDeadLettersGrowing',
    'as many as are forgotten',
    20,
    [MAIL],
    [given(m.deadLetters, LANE, '100x30'), given(m.settled, { ...LANE, [outcome]: 'dead_letter' }, '1+1x30')],
  ),
  fires(
    'ErrandDeadLettersGrowing',
    'those that a reaper makes',
    20,
    [MAIL],
    [given(m.requeued, { ...LANE, [outcome]: 'dead_letter' }, '1+1x30')],
  ),
  rests('ErrandDeadLettersGrowing', 'what is there is old', 25, [
    given(m.deadLetters, LANE, '7x30'),
    given(m.settled, { ...LANE, [outcome]: 'dead_letter' }, '7x30'),
  ]),
  rests('ErrandDeadLettersGrowing', 'retries', 25, [given(m.settled, { ...LANE, [outcome]: 'retrying' }, '0+9x30')]),

  fires(
    'ErrandLeasesLost',
    'one in ten is lost',
    25,
    [MAIL],
    [given(m.leaseLost, LANE, '0+1x30'), consumed('0+10x30')],
  ),
  fires(
    'ErrandLeasesLost',
    'one in ten expires with its worker',
    25,
    [MAIL],
    [given(m.requeued, { ...LANE, [outcome]: 'retrying' }, '0+1x30'), consumed('0+10x30')],
  ),
  rests('ErrandLeasesLost', 'one in a hundred', 25, [given(m.leaseLost, LANE, '0+1x30'), consumed('0+100x30')]),
  rests('ErrandLeasesLost', 'two of ten, which says nothing', 25, [
    given(m.leaseLost, LANE, '0x15 2x30'),
    consumed('0x10 10x30'),
  ]),

  fires('ErrandSchedulerLate', 'ten seconds late', 25, [SHOP], late('0+6x30', '0+0x30')),
  rests('ErrandSchedulerLate', 'half a second late', 25, late('0+6x30', '0+6x30')),

  fires('ErrandWorkersSaturated', 'every slot is taken and more waits', 17, [WORKER], slots('50x30', pending('9x30'))),
  rests('ErrandWorkersSaturated', 'nothing waits', 25, slots('50x30', pending('0x30'))),
  rests('ErrandWorkersSaturated', 'there is room', 25, slots('40x30', pending('9x30'))),
]

/** The cases as a file of `promtool test rules`, which stands beside the rules. */
export function ruleTests(): Readonly<Record<string, unknown>> {
  return {
    rule_files: ['errand-rules.yml'],
    evaluation_interval: '1m',
    tests: ALERT_CASES.map(({ alert, says, series, atMinute, fires: expected }) => ({
      name: `${alert} ${expected.length === 0 ? 'rests' : 'fires'}: ${says}`,
      interval: '1m',
      input_series: series,
      // By its series: what an alert says is none of its conditions.
      promql_expr_test: [
        {
          expr: `count by (${[...new Set(['alertname', ...expected.flatMap(Object.keys)])].join(', ')}) (ALERTS{alertname="${alert}", alertstate="firing"})`,
          eval_time: `${atMinute}m`,
          exp_samples: expected.map(labels => ({ labels: text('', { alertname: alert, ...labels }), value: 1 })),
        },
      ],
    })),
  }
}

function fires(
  alert: string,
  says: string,
  atMinute: number,
  labels: AlertCase['fires'],
  series: readonly GivenSeries[],
): AlertCase {
  return { alert, says, atMinute, series, fires: labels }
}

function rests(alert: string, says: string, atMinute: number, series: readonly GivenSeries[]): AlertCase {
  return { alert, says, atMinute, series, fires: [] }
}

function given(metric: Metric, labels: Partial<Record<Label, string>>, values: string): GivenSeries {
  return { series: text(scrapedName(metric), labels), values }
}

function pending(values: string): GivenSeries {
  return given(m.pending, LANE, values)
}

function running(values: string): GivenSeries {
  return given(m.running, LANE, values)
}

function consumed(values: string): GivenSeries {
  return given(m.consumed, MAIL, values)
}

/** All within ten seconds, and how many of them within one. */
function late(all: string, withinOne: string): GivenSeries[] {
  const bucket = (le: string, values: string): GivenSeries => ({
    series: text(`${scrapedName(m.lateness)}_bucket`, { ...SHOP, le }),
    values,
  })
  return [bucket('1', withinOne), bucket('10', all), bucket('+Inf', all)]
}

function slots(used: string, ...more: readonly GivenSeries[]): GivenSeries[] {
  return [given(m.slotsUsed, WORKER, used), given(m.slotsLimit, WORKER, '50x30'), ...more]
}

function text(name: string, labels: Readonly<Record<string, string>>): string {
  return `${name}{${Object.entries(labels)
    .map(([label, value]) => `${label}="${value}"`)
    .join(', ')}}`
}
