// A console over a storage that tells of a type no definition of ours would allow: as a defect, or a storage of somebody else, might.

import type { LaneFigures, Storage, StorageStats } from '../../src/storage/storage.ts'
import { MemoryStorage } from '../../src/storage/memory/index.ts'
import { BrowserGround, unattended } from './browser-ground.ts'

/** Opens one in which what is pending is of this type. */
export async function openWithType(type: string): Promise<BrowserGround> {
  const memory = new MemoryStorage()
  const renamed = <T extends { readonly type: string }>(item: T): T =>
    item.type === unattended.type ? { ...item, type } : item
  const lies: Partial<Storage> = {
    laneFigures: async (): Promise<readonly LaneFigures[]> => (await memory.laneFigures()).map(renamed),
    stats: async (): Promise<StorageStats> => {
      const { byType, ...rest } = await memory.stats()
      const counts = byType[unattended.type]
      return { ...rest, byType: counts === undefined ? byType : { ...byType, [type]: counts } }
    },
    list: async params => {
      const { items, cursor } = await memory.list(params)
      return { items: items.map(renamed), cursor }
    },
  }
  const storage = new Proxy<Storage>(memory, {
    get: (target, name) => {
      const lie = Reflect.get(lies, name) as unknown
      if (lie !== undefined) return lie
      const value = Reflect.get(target, name) as unknown
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
  const ground = await BrowserGround.open({ storage })
  await ground.client.enqueue(unattended, {})
  return ground
}
