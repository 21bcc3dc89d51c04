// Clocks, and settings of Errand that are each right and wrong together.

import type { DeploymentFacts } from '../core/deployment-facts.ts'
import type { Found, Rule } from './finding.ts'
import { lasting, listed } from './finding.ts'

const CLOCK_OFF_MS = 5_000
/** `terminationGracePeriodSeconds` of a pod that does not say otherwise. */
const POD_GRACE_MS = 30_000

/** Clocks and settings. */
export const SETTING_RULES: readonly Rule[] = [
  {
    id: 'clock-off',
    source: 'clocks',
    severities: ['warning'],
    about: `The clock of this machine is more than ${lasting(CLOCK_OFF_MS)} from that of Redis: times in ids, logs and traces are wrong (nothing runs early: Redis's clock decides)`,
    find: clockOff,
  },
  {
    id: 'lease-below-session',
    source: 'settings',
    severities: ['error'],
    about:
      "A lease is no longer than a dead worker's membership: the record of its next attempt can land in its own partition, where nobody reads it yet",
    find: ({ settings: { leaseMs, sessionTimeoutMs } }) =>
      about(
        leaseMs <= sessionTimeoutMs,
        'worker.lease',
        `worker.lease is ${lasting(leaseMs)} and the session timeout ${lasting(sessionTimeoutMs)}.`,
        'Set worker.lease (ERRAND_WORKER_LEASE) to 15s or more, or sessionTimeoutMs lower: session timeout and rebalance must stay below the lease.',
      ),
  },
  {
    id: 'grace-beyond-pod',
    source: 'settings',
    severities: ['note'],
    about: `worker.grace is ${lasting(POD_GRACE_MS)} or more: a pod with the default terminationGracePeriodSeconds is killed before it has drained`,
    find: ({ settings: { graceMs } }) =>
      about(
        graceMs >= POD_GRACE_MS,
        'worker.grace',
        `worker.grace is ${lasting(graceMs)}; Kubernetes kills after terminationGracePeriodSeconds, ${lasting(POD_GRACE_MS)} by default.`,
        `Set terminationGracePeriodSeconds of the pods to ${Math.ceil(graceMs / 1_000) + 10} or more, or worker.grace (ERRAND_WORKER_GRACE) lower.`,
      ),
  },
  {
    id: 'marker-life-short',
    source: 'settings',
    severities: ['warning'],
    about:
      'Redis forgets what has ended while its record can still be delivered again: after a crash such work runs once more',
    find: ({ settings: { markerMs, rehomeAfterMs } }) =>
      about(
        markerMs < 2 * rehomeAfterMs,
        'retention.marker',
        `retention.marker is ${lasting(markerMs)}; a record may be delivered again ${lasting(rehomeAfterMs)} after its activity began.`,
        `Set retention.marker (ERRAND_MARKER_LIFE) to ${lasting(2 * rehomeAfterMs)} or more.`,
      ),
  },
]

function about(isWrong: boolean, subject: string, says: string, fix: string): Found[] {
  return isWrong ? [{ subject, says, fix }] : []
}

function clockOff({ redis }: DeploymentFacts): Found[] {
  const { aheadMs, aheadWithinMs = 0, addresses } = redis
  if (aheadMs === undefined || Math.abs(aheadMs) - aheadWithinMs <= CLOCK_OFF_MS) return []
  const seconds = (Math.abs(aheadMs) / 1_000).toFixed(1)
  return about(
    true,
    listed(addresses),
    `The clock of this machine is ${seconds} s ${aheadMs > 0 ? 'behind' : 'ahead of'} that of Redis at ${listed(addresses)}.`,
    'Let NTP (chrony, systemd-timesyncd) set the clocks of this machine and of the one that Redis runs on.',
  )
}
