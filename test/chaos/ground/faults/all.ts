// The table of faults.

import type { Fault } from '../ground.ts'
import { BROKER_FAULTS } from './brokers.ts'
import { NETWORK_FAULTS } from './network.ts'
import { PROCESS_FAULTS } from './processes.ts'
import { REDIS_FAULTS } from './redis.ts'

/** Every fault that can be injected, by its part: processes, brokers, Redis, the network. */
export const FAULTS: readonly Fault[] = [...PROCESS_FAULTS, ...BROKER_FAULTS, ...REDIS_FAULTS, ...NETWORK_FAULTS]

/** Those that a stack of so many brokers can have on this machine. */
export function possibleFaults(brokers: 1 | 3, platform: NodeJS.Platform = process.platform): readonly Fault[] {
  return FAULTS.filter(
    ({ needs }) => (needs?.brokers ?? 1) <= brokers && (needs?.platform === undefined || needs.platform === platform),
  )
}
