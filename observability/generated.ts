// The files that are made from here, as they should be. They are committed, so that nobody has to run anything to use them.

import { stringify } from 'yaml'
import { ruleTests } from './alert-cases.ts'
import { prometheusRule, prometheusRules } from './alerts.ts'
import { dashboardJson } from './dashboard.ts'

/** A file, by its path from the repository's root. */
export interface GeneratedFile {
  readonly file: string
  readonly text: string
}

/** Every file. */
export const GENERATED: readonly GeneratedFile[] = [
  { file: 'observability/grafana/errand.json', text: `${JSON.stringify(dashboardJson(), null, 2)}\n` },
  { file: 'observability/prometheus/errand-rules.yml', text: yaml(prometheusRules()) },
  { file: 'observability/prometheus/errand-rules.test.yml', text: yaml(ruleTests(), 'alert-cases.ts') },
  { file: 'k8s/components/alerts/prometheus-rule.yaml', text: yaml(prometheusRule()) },
]

function yaml(value: unknown, source = 'alerts.ts'): string {
  const note = `# Made by \`npm run dashboards\` from observability/${source}: change it there.\n`
  return note + stringify(value, { lineWidth: 0, aliasDuplicateObjects: false })
}
