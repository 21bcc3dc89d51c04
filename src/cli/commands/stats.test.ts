import { expect, test } from 'vitest'
import { MemoryStorage } from '../../storage/memory/memory-storage.ts'
import type { LaneFigures } from '../../storage/storage.ts'
import { lookAtFigures } from './stats.ts'

class Standing extends MemoryStorage {
  override async laneFigures(): Promise<readonly LaneFigures[]> {
    const lanes = await super.laneFigures()
    return lanes.map(lane => ({ ...lane, frontierStuckMs: 1_234.567 }))
  }
}

test('how long a frontier stands is not known at the first look, and in whole ms at the next', async () => {
  await using storage = new Standing()
  await storage.declareTypes({ types: ['mail'] })
  const stuck = async (isFirst: boolean): Promise<readonly (number | null)[]> => {
    const { lanes } = await lookAtFigures(storage, isFirst)
    return [...new Set(lanes.map(({ frontierStuckMs }) => frontierStuckMs))]
  }
  expect([await stuck(true), await stuck(false)]).toEqual([[null], [1_235]])
})
