// The names of what a process does when it dies; `crash-scenes.ts` knows how.

/** Every scenario. */
export const SCENARIOS = [
  'enqueue plain',
  'enqueue delayed',
  'enqueue keyed',
  'enqueue keyed and delayed',
  'confirm reservations',
  'drop a reservation',
  'claim',
  'return a claim',
  'look at what is over',
  'complete',
  'retry',
  'fail',
  'exhaust',
  'renew',
  'release',
  'close',
  'store a result',
  'cancel pending',
  'cancel scheduled',
  'cancel running',
  'redrive',
  'discard',
  'save an operation',
  'set poison aside',
  'read the schedule',
  'sweep over what was cancelled',
  'sweep',
  'dispatch',
  'dispatch a retry',
  'reap',
  'reap exhausted',
  'reap cancelled',
  'reap what has no envelope',
  'rehome',
  'complete what was re-homed',
  'retry what was re-homed',
  'look at what was re-homed',
  'look at what was re-homed and is over',
  'give back what was re-homed',
  'cancel what was re-homed and given back',
  'trim',
  'restore',
  'rebuild',
] as const
/** One of {@link SCENARIOS}. */
export type ScenarioName = (typeof SCENARIOS)[number]

/** Whether attempts are re-homed in it, and soon. */
export function isRehoming(scenario: ScenarioName): boolean {
  return scenario.includes('rehome') || scenario.includes('re-homed')
}
