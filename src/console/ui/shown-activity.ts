// An activity as its page has it.

import type { ActivityView } from './api-types.ts'
import type { JsonNode } from './json-text.ts'

/** An activity with its JSON as it was written. */
export interface ShownActivity {
  readonly activity: ActivityView
  /** Undefined: it is not there any more. */
  readonly payload: JsonNode | undefined
  readonly result: JsonNode | undefined
}
