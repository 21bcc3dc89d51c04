// Facts to findings: every rule is asked, the worst comes first.

import type { DeploymentFacts } from '../core/deployment-facts.ts'
import { BROKER_RULES } from './broker-rules.ts'
import type { Finding, Rule } from './finding.ts'
import { SEVERITIES } from './finding.ts'
import { GROUP_RULES } from './group-rules.ts'
import { REACH_RULES, UNREACHABLE_IDS } from './reach-rules.ts'
import { REDIS_RULES } from './redis-rules.ts'
import { REPLICATION_RULES } from './replication-rules.ts'
import { SETTING_RULES } from './setting-rules.ts'
import { TOPIC_RULES } from './topic-rules.ts'

/** Every rule, in the order of docs/operating/doctor.md. */
export const RULES: readonly Rule[] = [
  ...REACH_RULES,
  ...BROKER_RULES,
  ...TOPIC_RULES,
  ...REPLICATION_RULES,
  ...GROUP_RULES,
  ...REDIS_RULES,
  ...SETTING_RULES,
]

/** What is wrong, errors first; among equals in the order of {@link RULES}. */
export function diagnose(facts: DeploymentFacts): Finding[] {
  const findings = RULES.flatMap(({ id, source, severities, find }) =>
    find(facts).map(({ severity, subject, says, fix }): Finding => ({
      ...{ id, severity: severity ?? severities[0], source },
      ...{ subject, says, fix },
    })),
  )
  const rank = ({ severity }: Finding): number => SEVERITIES.indexOf(severity)
  return findings.toSorted((one, other) => rank(one) - rank(other))
}

/** How it stands: `unreachable` before all else, since what nobody answered for was not looked at. Notes are no problem. */
export type Verdict = 'well' | 'problems' | 'unreachable'

/** The verdict over findings. */
export function verdictOf(findings: readonly Finding[]): Verdict {
  if (findings.some(({ id }) => UNREACHABLE_IDS.includes(id))) return 'unreachable'
  return findings.some(({ severity }) => severity !== 'note') ? 'problems' : 'well'
}
