// Door `errand/testing`: activities in unit tests, and the contract that every storage is held to.

export { ManualClock } from './manual-clock.ts'
export * from './storage-contract.ts'
export { TestKit, createTestKit } from './test-kit.ts'
export type { RunHandlerOptions, TestKitOptions } from './test-kit.ts'
