// Door `errand/memory`: the storage for tests, demos and development. It keeps the whole contract, within one process.

export { MemoryStorage } from './memory-storage.ts'
export type { MemoryStorageOptions } from './memory-storage-options.ts'
