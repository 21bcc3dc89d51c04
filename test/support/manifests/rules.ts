// All rules that an overlay is held to.

import type { Manifest } from './objects.ts'
import { POD_RULES } from './pod-rules.ts'
import type { Rule } from './rule.ts'
import { SCALING_RULES } from './scaling-rules.ts'
import { SETTINGS_RULES } from './settings-rules.ts'
import { TRAFFIC_RULES } from './traffic-rules.ts'

/** Every rule, by what it is about. */
export const RULES: readonly Rule[] = [...POD_RULES, ...SETTINGS_RULES, ...TRAFFIC_RULES, ...SCALING_RULES]

/** What is wrong with the objects of an overlay: the rule, and what it says. */
export function policyProblems(objects: readonly Manifest[]): string[] {
  return RULES.flatMap(({ id, find }) => find(objects).map(text => `${id}: ${text}`))
}
