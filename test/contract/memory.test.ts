// The storage contract, held by the storage in memory.

import { MemoryStorage } from '../../src/storage/memory/index.ts'
import { hostContract } from '../support/contract-host.ts'

hostContract({
  name: 'memory',
  async open(namespace) {
    const first = await MemoryStorage.open({ namespace })
    return { first, openOther: async () => first.peer() }
  },
})
