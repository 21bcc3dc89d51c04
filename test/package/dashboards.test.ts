// The dashboard and the alert rules: what is committed is what the code makes, what is asked for is there, and rules fire when
// they should. Prometheus itself tries the rules where its `promtool` is at hand.

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { ALERT_CASES } from '../../observability/alert-cases.ts'
import { ALERTS, THRESHOLDS } from '../../observability/alerts.ts'
import { ROWS, dashboardJson } from '../../observability/dashboard.ts'
import { GENERATED } from '../../observability/generated.ts'
import type { Metric } from '../../observability/metrics.ts'
import { LABELS, METRICS } from '../../observability/metrics.ts'
import { labelName, scrapedName, unitSuffix } from '../../observability/prometheus-names.ts'
import { growth, series } from '../../observability/promql.ts'
import { ATTEMPT_OUTCOMES } from '../../src/core/activity.ts'
import { ATTRIBUTES, COUNTERS, DURATIONS, GAUGES } from '../../src/telemetry/semantic-conventions.ts'
import { queryProblems, seriesOf } from '../support/promql-check.ts'
import { repositoryDir } from '../support/run-program.ts'
import type { ShownSeries } from '../support/shown-metrics.ts'
import { exposition, shownSeries } from '../support/shown-metrics.ts'

const FIGURES: readonly Metric[] = Object.values(METRICS)
const PROMTOOL = process.env['ERRAND_PROMTOOL'] ?? 'promtool'
const RULES_TEST = 'observability/prometheus/errand-rules.test.yml'

const queries = ROWS.flatMap(row =>
  row.panels.flatMap(panel => panel.queries.map(query => ({ at: `${row.title}: ${panel.title}`, ...query }))),
)

describe('what is committed', () => {
  test.each(GENERATED)('$file is what the code makes (npm run dashboards)', ({ file, text }) => {
    expect(readFileSync(join(repositoryDir, file), 'utf8')).toBe(text)
  })

  test('no panel lies over another, or outside', () => {
    type Place = Readonly<Record<'x' | 'y' | 'w' | 'h', number>>
    const places = (dashboardJson()['panels'] as { gridPos: Place }[]).map(panel => panel.gridPos)
    const cells = places.flatMap(({ x, y, w, h }) =>
      Array.from({ length: w * h }, (_, at) => `${x + (at % w)}:${y + Math.floor(at / w)}`),
    )
    expect(new Set(cells).size).toBe(cells.length)
    expect(places.filter(({ x, w }) => x < 0 || x + w > 24)).toEqual([])
  })
})

describe('figures', () => {
  const known = [
    ...Object.values(COUNTERS).map(({ name, unit }) => ({ name, unit, kind: 'counter' })),
    ...Object.values(DURATIONS).map(({ name }) => ({ name, unit: 's', kind: 'histogram' })),
    ...Object.values(GAUGES).map(({ name, unit }) => ({ name, unit, kind: 'gauge' })),
  ]

  test.each(FIGURES)('$name is told, as what it is taken for', ({ name, unit, kind }) => {
    expect(known).toContainEqual({ name, unit, kind })
  })

  test('every label is an attribute', () => {
    const attributes = new Set(Object.values(ATTRIBUTES).map(labelName))
    expect(Object.values(LABELS).filter(label => !attributes.has(label))).toEqual([])
  })
})

describe('what a worker shows', () => {
  let shown: readonly ShownSeries[] = []
  beforeAll(async () => {
    shown = shownSeries(await exposition())
  })

  const labelsShown = (metric: Metric): string[] => {
    const names = new Set(seriesOf(metric))
    const labels = shown.filter(({ name }) => names.has(name)).flatMap(one => one.labels)
    return [...new Set(labels)].filter(label => label !== 'le' && !label.startsWith('otel_scope'))
  }

  test('has the names that are asked for', () => {
    const names = new Set(shown.map(({ name }) => name))
    const { enqueued, deduplicated, claimed, settled, consumed, pending, oldestPending, slotsUsed } = METRICS
    for (const metric of [enqueued, deduplicated, claimed, settled, consumed, pending, oldestPending, slotsUsed]) {
      expect(names, metric.name).toContain(scrapedName(metric))
    }
    for (const metric of [METRICS.wait, METRICS.run, METRICS.total, METRICS.client, METRICS.lateness]) {
      expect(names, metric.name).toContain(`${scrapedName(metric)}_bucket`)
    }
  })

  test.each(FIGURES)('$name carries the labels that it is taken to carry', metric => {
    const labels = labelsShown(metric)
    if (labels.length === 0) return // not on memory, or nothing of the kind has happened
    expect(metric.labels.filter(label => !labels.includes(label))).toEqual([])
  })
})

describe('queries', () => {
  test.each(queries)('$at', ({ expr, legend }) => {
    expect(queryProblems(expr, FIGURES, legend)).toEqual([])
  })

  test.each(ALERTS)('$alert', ({ expr, annotations }) => {
    expect(queryProblems(expr, FIGURES)).toEqual([])
    const kept = `${annotations.summary} ${annotations.description}`.matchAll(/\$labels\.(\w+)/g)
    for (const [, label] of kept) expect(expr, annotations.summary).toMatch(new RegExp(`by \\([^)]*\\b${label}\\b`))
  })

  test('ask for outcomes and operations that there are', () => {
    const operations = [...Object.values(DURATIONS), ...Object.values(COUNTERS)].flatMap(one =>
      'operation' in one ? [one.operation] : [],
    )
    const known: Record<string, readonly string[]> = {
      [LABELS.outcome]: ATTEMPT_OUTCOMES,
      [LABELS.operation]: operations,
    }
    const asked = [...queries.map(({ expr }) => expr), ...ALERTS.map(({ expr }) => expr)].join(' ')
    for (const [label, values] of Object.entries(known)) {
      const found = [...asked.matchAll(new RegExp(`${label}="([^"]+)"`, 'g'))].map(([, value = '']) => value)
      expect(found.length).toBeGreaterThan(0)
      expect(found.filter(value => !values.includes(value))).toEqual([])
    }
  })

  test('find a figure under both of its names', () => {
    const found = (text: string): RegExp => new RegExp(`^(?:${/__name__=~"([^"]+)"/.exec(text)?.[1] ?? ''})$`)
    const pattern = found(series(METRICS.wait, {}, '_bucket'))
    expect(unitSuffix(METRICS.wait)).toBe('_seconds')
    expect('errand_activity_wait_duration_bucket').toMatch(pattern)
    expect('errand_activity_wait_duration_seconds_bucket').toMatch(pattern)
    expect('errand_activity_wait_duration_seconds_count').not.toMatch(pattern)
    expect(series(METRICS.pending)).toBe('errand_lane_pending')
  })
})

describe('a planted mistake is found:', () => {
  test.each([
    ['a misspelt figure', 'sum(errand_lane_pendign)', /no such figure/],
    ['a unit where there is none', 'sum(errand_lane_pending_seconds)', /no such figure/],
    ['a counter without its total', 'rate(errand_activity_settled[5m])', /no such figure/],
    ['a pattern that finds nothing', 'sum({__name__=~"errand_lanes_.+"})', /no such figure/],
    [
      'a condition on a label that is not there',
      'errand_activity_claimed_total{errand_activity_priority="high"}',
      /does not carry/,
    ],
    ['a grouping by a label that is not there', 'sum by (type) (errand_lane_pending)', /groups by type/],
    ['a quantile of what has no buckets', 'sum by (le) (rate(errand_activity_settled_total[5m]))', /groups by le/],
    ['a bracket too few', 'sum(errand_lane_pending', /is no PromQL/],
    ['an unknown function', 'fastest(errand_lane_pending)', /./],
  ])('%s', (_, expr, problem) => {
    expect(queryProblems(expr, FIGURES).join('; ')).toMatch(problem)
  })

  test('a legend by a label that the query does not keep', () => {
    const problems = queryProblems('sum by (namespace) (errand_lane_pending)', FIGURES, '{{job}}')
    expect(problems).toEqual(['is called by job, which it does not keep'])
  })

  test('a label that a figure lacks is refused where the query is made', () => {
    expect(() => growth(METRICS.claimed, [LABELS.type], '5m')).toThrow(/has no label messaging_destination_template/)
    expect(() => series(METRICS.claimed, { [LABELS.type]: { op: '=', value: 'a' } })).toThrow(/has no label/)
  })
})

describe('alert rules', () => {
  const guide = readFileSync(join(repositoryDir, 'docs/operating/alerts.md'), 'utf8')
  const anchors = [...guide.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => anchorOf(title))

  test('have names of their own', () => {
    expect(new Set(ALERTS.map(({ alert }) => alert)).size).toBe(ALERTS.length)
  })

  test.each(ALERTS)('$alert says what to do and where to read on', ({ alert, annotations }) => {
    expect(annotations.description).toMatch(/errand [a-z]+/)
    const [file, anchor] = annotations.runbook.split('#')
    expect(file).toBe('docs/operating/alerts.md')
    expect(anchors).toContain(anchor)
    expect(guide).toContain(`\`${alert}\``)
  })

  test('the guide tells of no other', () => {
    const told = [...guide.matchAll(/`(Errand[A-Z]\w+)`/g)].map(([, name]) => name)
    expect([...new Set(told)].toSorted()).toEqual(ALERTS.map(({ alert }) => alert).toSorted())
  })

  test.each([
    ['ErrandOldestPendingTooOld', `> ${THRESHOLDS.oldestPendingS}`],
    ['ErrandFrontierStuck', `> ${THRESHOLDS.frontierS}`],
    ['ErrandLeasesLost', `> ${THRESHOLDS.leaseLostShare}`],
    ['ErrandSchedulerLate', `> ${THRESHOLDS.latenessS}`],
    ['ErrandWorkersSaturated', `> ${THRESHOLDS.slotsUsedShare}`],
  ])('%s asks for its threshold', (name, condition) => {
    expect(ALERTS.find(({ alert }) => alert === name)?.expr).toContain(condition)
  })

  test('a frontier is called stuck only once long attempts cannot be why', () => {
    expect(THRESHOLDS.frontierS).toBeGreaterThan(300)
  })

  test('fire when they should and not before, by Prometheus itself', context => {
    const version = spawnSync(PROMTOOL, ['--version'])
    context.skip(version.error !== undefined, 'promtool is not here: set ERRAND_PROMTOOL to one, or put it on the PATH')
    const run = spawnSync(PROMTOOL, ['test', 'rules', RULES_TEST], { cwd: repositoryDir, encoding: 'utf8' })
    expect(`${run.stdout}${run.stderr}`).toContain('SUCCESS')
    expect(run.status).toBe(0)
  })

  test.each(ALERTS)('$alert has a case in which it fires and one in which it rests', ({ alert }) => {
    const fires = ALERT_CASES.filter(one => one.alert === alert).map(one => one.fires.length > 0)
    expect(new Set(fires)).toEqual(new Set([true, false]))
  })
})

function anchorOf(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^\w -]/g, '')
    .trim()
    .replaceAll(' ', '-')
}
