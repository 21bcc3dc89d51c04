// A reaper (with its scheduler) as a process of its own: node reaper-child.ts <LoadChildConfig as JSON>, with an IPC channel.
// It trims and sweeps far more often than in earnest, so that both happen while faults do.

import { Reaper } from '../../../src/reaper/reaper.ts'
import { live, pause } from './child-life.ts'

const SCHEDULE_INTERVAL_MS = 100
const TRIM_INTERVAL_MS = 3_000
const SWEEP_INTERVAL_MS = 5_000
const DAY_MS = 24 * 3_600_000

await live(async ({ config: { reapIntervalMs }, storage, logger, stopping, ready }) => {
  const reaper = new Reaper({
    ...{ storage, logger, intervalMs: reapIntervalMs, scheduleIntervalMs: SCHEDULE_INTERVAL_MS },
    ...{ trimIntervalMs: TRIM_INTERVAL_MS, sweepIntervalMs: SWEEP_INTERVAL_MS },
  })
  await reaper.start()
  ready()
  while (await pause(DAY_MS, stopping));
  await reaper.stop()
})
