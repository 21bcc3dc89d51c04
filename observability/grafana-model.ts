// The part of Grafana's dashboard model that is used here, and how panels are laid out. Plain objects: the model is JSON, and
// what a library would add is its own version.

/** One query of a panel. */
export interface Query {
  readonly expr: string
  /** How its series are called: `{{label}}` is replaced. */
  readonly legend: string
}

/** A panel before it has a place. */
export interface Panel {
  readonly title: string
  /** What it shows and what to make of it, for somebody who sees it the first time. */
  readonly says: string
  readonly kind: 'timeseries' | 'stat'
  /** Grafana's unit: `s`, `short`, `ops`, `percentunit`. */
  readonly unit: string
  readonly queries: readonly Query[]
  /** From these values on a stat is yellow, then red. */
  readonly limits?: readonly [yellow: number, red: number]
  readonly isLogarithmic?: boolean
  readonly isStacked?: boolean
}

/** Panels that belong together. */
export interface Row {
  readonly title: string
  readonly panels: readonly Panel[]
}

/** A choice above the dashboard. */
export interface Variable {
  readonly name: string
  readonly label: string
  /** `label_values(…)`. */
  readonly query: string
}

type Json = Readonly<Record<string, unknown>>

const WIDTH = 24
const DATASOURCE = { type: 'prometheus', uid: '${datasource}' } as const
const HEIGHTS = { timeseries: 8, stat: 4 } as const

/** Rows below each other, their panels side by side: three charts or six figures across. */
export function layOut(rows: readonly Row[]): Json[] {
  const placed: Json[] = []
  let y = 0
  for (const { title, panels } of rows) {
    placed.push({
      id: placed.length + 1,
      type: 'row',
      title,
      collapsed: false,
      panels: [],
      gridPos: { x: 0, y, w: WIDTH, h: 1 },
    })
    y += 1
    let x = 0
    let tallest = 0
    for (const panel of panels) {
      const w = panel.kind === 'stat' ? WIDTH / 6 : WIDTH / 3
      const h = HEIGHTS[panel.kind]
      if (x + w > WIDTH) {
        x = 0
        y += tallest
        tallest = 0
      }
      placed.push({ id: placed.length + 1, ...panelJson(panel), gridPos: { x, y, w, h } })
      x += w
      tallest = Math.max(tallest, h)
    }
    y += tallest
  }
  return placed
}

/** The choices: which Prometheus, and one for each label. `All` also finds series that lack the label. */
export function variablesJson(variables: readonly Variable[]): Json[] {
  return [
    {
      name: 'datasource',
      label: 'Prometheus',
      type: 'datasource',
      query: 'prometheus',
      current: {},
      hide: 0,
      refresh: 1,
    },
    ...variables.map(({ name, label, query }) => ({
      ...{ name, label, type: 'query', datasource: DATASOURCE, refresh: 2, sort: 1, hide: 0 },
      ...{ multi: true, includeAll: true, allValue: '.*', current: { text: 'All', value: '$__all' } },
      definition: query,
      query: { qryType: 1, query, refId: 'variable' },
    })),
  ]
}

function panelJson({ title, says, kind, unit, queries, limits, isLogarithmic, isStacked }: Panel): Json {
  const steps = [
    { color: 'green', value: null },
    ...(limits === undefined
      ? []
      : [
          { color: 'yellow', value: limits[0] },
          { color: 'red', value: limits[1] },
        ]),
  ]
  const drawn = {
    drawStyle: 'line',
    lineWidth: 1,
    fillOpacity: isStacked === true ? 20 : 5,
    showPoints: 'never',
    spanNulls: false,
    scaleDistribution: isLogarithmic === true ? { type: 'log', log: 10 } : { type: 'linear' },
    stacking: { mode: isStacked === true ? 'normal' : 'none', group: 'A' },
  }
  return {
    type: kind,
    title,
    description: says,
    datasource: DATASOURCE,
    fieldConfig: {
      defaults: {
        unit,
        min: 0,
        color: { mode: kind === 'stat' ? 'thresholds' : 'palette-classic' },
        thresholds: { mode: 'absolute', steps },
        ...(kind === 'timeseries' ? { custom: drawn } : { noValue: '–' }),
      },
      overrides: [],
    },
    options: kind === 'stat' ? STAT_OPTIONS : CHART_OPTIONS,
    targets: queries.map(({ expr, legend }, at) => ({
      ...{
        refId: String.fromCodePoint(65 + at),
        datasource: DATASOURCE,
        editorMode: 'code',
        expr,
        legendFormat: legend,
      },
      ...(kind === 'stat' ? { instant: true, range: false } : { instant: false, range: true }),
    })),
  }
}

const STAT_OPTIONS: Json = {
  reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
  ...{ colorMode: 'value', graphMode: 'none', textMode: 'auto', justifyMode: 'auto', orientation: 'auto' },
}

const CHART_OPTIONS: Json = {
  legend: { displayMode: 'list', placement: 'bottom', showLegend: true },
  tooltip: { mode: 'multi', sort: 'desc' },
}
