// Storages that tell what ours would not: of a type that no definition allows, or that Redis is away. A defect, a storage of
// somebody else, or a bad day might.

import { ErrandError } from '../../src/core/errors.ts'
import { MemoryStorage } from '../../src/storage/memory/index.ts'
import type { LaneFigures, Storage, StorageStats } from '../../src/storage/storage.ts'
import { BrowserGround, unattended } from './browser-ground.ts'

/** A console in which what is pending is of this type. */
export async function openWithType(type: string): Promise<BrowserGround> {
  const memory = new MemoryStorage()
  const renamed = <T extends { readonly type: string }>(item: T): T =>
    item.type === unattended.type ? { ...item, type } : item
  const storage = disguised(memory, {
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
  })
  const ground = await BrowserGround.open({ storage })
  await ground.client.enqueue(unattended, {})
  return ground
}

/** A console whose Redis is away while `isAway` says so: counts and lists cannot be had. */
export async function openWithRedisAway(isAway: () => boolean): Promise<BrowserGround> {
  const memory = new MemoryStorage()
  const check = (): void => {
    if (isAway())
      throw new ErrandError('unavailable', 'Redis at redis.example:6379 does not answer (connect ECONNREFUSED).')
  }
  const storage = disguised(memory, {
    laneFigures: async () => (check(), memory.laneFigures()),
    stats: async () => (check(), memory.stats()),
    list: async params => (check(), memory.list(params)),
  })
  return BrowserGround.open({ storage })
}

function disguised(memory: MemoryStorage, lies: Partial<Storage>): Storage {
  return new Proxy<Storage>(memory, {
    get: (target, name) => {
      const lie = Reflect.get(lies, name) as unknown
      if (lie !== undefined) return lie
      const value = Reflect.get(target, name) as unknown
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}
