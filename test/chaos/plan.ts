// Which faults come when: drawn from the seed alone, so that the same seed gives the same faults in the same order.

import type { SeededRandom } from './random.ts'

/** A fault as far as planning goes. */
export interface PlannableFault {
  readonly name: string
  /** Server faults come one after another, and so do those of processes; the two kinds overlap. */
  readonly lane: 'servers' | 'processes'
  /** About how long one injection takes until it is proven gone. */
  readonly seconds: number
}

/** What one lane does: faults in this order, each after its pause. */
export interface LanePlan {
  readonly steps: readonly { readonly fault: string; readonly pauseMs: number }[]
}

/** Each drawn fault is injected at least so often: a run in which it was not is no proof. */
export const INJECTIONS_MIN = 2
/** A quarter of the time is quiet: what is only seen after a fault must get its chance. */
const QUIET_SHARE = 0.25
/** What must be left at the end for the last fault to be proven gone. */
const MARGIN = 0.9

/** Draws as many faults as fit twice into the time, then fills what is left with more of them. */
export function planLane(faults: readonly PlannableFault[], seconds: number, random: SeededRandom): LanePlan {
  const pauseMs = (fault: PlannableFault): number =>
    Math.round((fault.seconds * 1_000 * QUIET_SHARE * random.between(0.5, 1.5)) / (1 - QUIET_SHARE))
  const drawn: PlannableFault[] = []
  let leftSeconds = seconds * MARGIN
  for (const fault of random.shuffled(faults)) {
    const cost = (fault.seconds * INJECTIONS_MIN) / (1 - QUIET_SHARE)
    if (cost > leftSeconds) continue
    leftSeconds -= cost
    drawn.push(fault)
  }
  const rounds = Array.from({ length: INJECTIONS_MIN }, () => random.shuffled(drawn)).flat()
  while (drawn.length > 0) {
    const fault = random.pick(drawn)
    leftSeconds -= fault.seconds / (1 - QUIET_SHARE)
    if (leftSeconds < 0) break
    rounds.push(fault)
  }
  return { steps: rounds.map(fault => ({ fault: fault.name, pauseMs: pauseMs(fault) })) }
}

/** The faults that a plan draws. */
export function drawnFaults(plans: readonly LanePlan[]): string[] {
  return [...new Set(plans.flatMap(({ steps }) => steps.map(({ fault }) => fault)))].sort()
}
