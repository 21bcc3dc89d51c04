// The storage in memory and the model are asked the same; time is moved by hand.

import fc from 'fast-check'
import { test } from 'vitest'
import { newActivity } from '../../src/core/new-activity.ts'
import type { IdSource } from '../../src/core/ids.ts'
import { MemoryStorage } from '../../src/storage/memory/index.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { holds, replayedCommands } from './replay.ts'
import { storageCommands } from './storage-commands.ts'
import { StorageModel } from './storage-model.ts'
import type { System } from './storage-system.ts'

/** Not so long that results or keys, which are kept for a day, are forgotten within a run. */
const PACE = {
  leasesMs: [1_000, 15_000, 60_000],
  delaysMs: [1, 5_000, 600_000],
  retryDelaysMs: [0, 1_000, 40_000],
  advancesMs: [1, 1_999, 15_000, 60_000, 900_000],
}

async function setUp(): Promise<{ model: StorageModel; real: System }> {
  const clock = new ManualClock()
  const ids = numbered()
  const storage = new MemoryStorage({ clock, ids })
  const peer = storage.peer()
  const types = ['bill', 'send'] as const
  await Promise.all([storage.subscribe({ types }), peer.subscribe({ types })])
  const real: System = {
    storages: [storage, peer],
    types,
    isExact: true,
    slackMs: 0,
    isSentTwice: false,
    settlements: [],
    nowMs: () => clock.nowMs(),
    advance: ms => clock.advance(ms),
    newActivity: spec => newActivity(spec, { ids, nowMs: clock.nowMs() }),
    eventually: attempt => attempt(),
  }
  return { model: new StorageModel(), real }
}

/** Ids that can be read in a failure. */
function numbered(): IdSource {
  let made = 0
  return { next: () => `id-${(made += 1)}` }
}

test('the storage in memory does what the model says, whatever is asked of it, through two handles', async () => {
  const commands = fc.commands(storageCommands(PACE), { maxCommands: 60, size: 'max', ...replayedCommands })
  const property = fc.asyncProperty(commands, async asked => {
    const { model, real } = await setUp()
    await fc.asyncModelRun(() => ({ model, real }), asked)
  })
  await holds(property, { numRuns: 1_000, file: 'test/property/memory-storage.test.ts' })
})
