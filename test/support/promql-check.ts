// What is wrong with a query, found by Prometheus's own grammar and by what Errand's figures are called and carry: a syntax
// error, a figure that does not exist, a label that it does not carry. Prometheus itself would answer nothing, and stay silent.

import { parser } from '@prometheus-io/lezer-promql'
import type { Metric } from '../../observability/metrics.ts'
import { SCRAPE_LABELS } from '../../observability/metrics.ts'
import { scrapedName, unitSuffix } from '../../observability/prometheus-names.ts'

type Node = ReturnType<typeof parser.parse>['topNode']

/** What Grafana puts in place of its own words. */
const GRAFANA: readonly (readonly [word: string, value: string])[] = [
  ['$__rate_interval', '5m'],
  ['$__interval', '1m'],
]

/** What is wrong with a query, a sentence each; none: nothing. `legend` is how its series are called. */
export function queryProblems(written: string, metrics: readonly Metric[], legend = ''): string[] {
  const query = GRAFANA.reduce((text, [word, value]) => text.replaceAll(word, value), written)
  const top = parser.parse(query).topNode
  const text = (node: Node): string => query.slice(node.from, node.to)
  const broken = descendants(top).filter(node => node.type.isError)
  if (broken.length > 0)
    return broken.map(node => `is no PromQL from ${JSON.stringify(query.slice(node.from, node.from + 30))} on`)
  const known = new Map(metrics.flatMap(metric => seriesOf(metric).map(name => [name, metric] as const)))
  const problems: string[] = []
  /** The labels that a part of the query may name: those of every figure in it, and what it makes itself. */
  const labelsOf = (part: Node): ReadonlySet<string> => {
    const sets = all(part, 'VectorSelector').map(selector => new Set(selectorLabels(selector)))
    const made = all(part, 'FunctionCall')
      .filter(call => text(call).startsWith('label_replace'))
      .flatMap(call => all(call, 'StringLiteral').slice(0, 1).map(text).map(unquoted))
    const common = [...(sets[0] ?? [])].filter(label => sets.every(set => set.has(label)))
    return new Set([...common, ...made])
  }
  const selectorLabels = (selector: Node): string[] => {
    const found = namesIn(selector, text).flatMap(matches => [...known].filter(([name]) => matches(name)))
    const [first] = found
    if (first === undefined) {
      problems.push(`asks for ${text(selector)}, and there is no such figure`)
      return []
    }
    const isBucket = first[0].endsWith('_bucket')
    return [...SCRAPE_LABELS, ...first[1].labels, '__name__', ...(isBucket ? ['le'] : [])]
  }
  for (const selector of all(top, 'VectorSelector')) {
    const carried = selectorLabels(selector)
    for (const label of all(selector, 'LabelName').map(text)) {
      if (carried.length > 0 && !carried.includes(label))
        problems.push(`asks ${text(selector)} for ${label}, which it does not carry`)
    }
  }
  for (const aggregate of all(top, 'AggregateExpr')) {
    const body = aggregate.getChild('FunctionCallBody')
    const grouping = aggregate.getChild('AggregateModifier')
    if (body === null || grouping === null) continue
    const carried = labelsOf(body)
    for (const label of all(grouping, 'LabelName').map(text)) {
      if (!carried.has(label)) problems.push(`groups by ${label}, which ${text(body)} does not carry`)
    }
  }
  const shown = new Set(all(top, 'GroupingLabels').flatMap(labels => all(labels, 'LabelName').map(text)))
  for (const [, label = ''] of legend.matchAll(/\{\{(\w+)\}\}/g)) {
    if (!shown.has(label)) problems.push(`is called by ${label}, which it does not keep`)
  }
  return [...new Set(problems)]
}

/** Every name under which a figure may be found. */
export function seriesOf(metric: Metric): string[] {
  const parts = metric.kind === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']
  const units = new Set(['', unitSuffix(metric)])
  return [...units].flatMap(unit => parts.map(part => `${scrapedName(metric)}${unit}${part}`))
}

function namesIn(selector: Node, text: (node: Node) => string): ((name: string) => boolean)[] {
  const identifier = selector.getChild('Identifier')
  if (identifier !== null) return [name => name === text(identifier)]
  return all(selector, 'UnquotedLabelMatcher').flatMap(matcher => {
    const [label, op, value] = [
      matcher.getChild('LabelName'),
      matcher.getChild('MatchOp'),
      matcher.getChild('StringLiteral'),
    ]
    if (label === null || op === null || value === null || text(label) !== '__name__') return []
    const wanted = unquoted(text(value))
    const whole = text(op) === '=~' ? new RegExp(`^(?:${wanted})$`) : undefined
    return [(name: string) => whole?.test(name) ?? name === wanted]
  })
}

function unquoted(literal: string): string {
  return JSON.parse(literal) as string
}

function all(node: Node, name: string): Node[] {
  return descendants(node).filter(one => one.name === name)
}

function descendants(node: Node): Node[] {
  const found: Node[] = []
  for (let child = node.firstChild; child !== null; child = child.nextSibling) found.push(child, ...descendants(child))
  return found
}
