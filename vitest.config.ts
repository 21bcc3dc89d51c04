import { defineConfig } from 'vitest/config'

const CHAOS_RUN = 'test/chaos/chaos.test.ts'

// One project for each kind of test, so that each can be run alone: `npx vitest run --project unit`.
// Nothing is retried: a test that passes on the second try has found something.
export default defineConfig({
  test: {
    retry: 0,
    coverage: {
      provider: 'v8',
      // The pure parts, which are to be covered in full; the rest is proven by contract and integration tests.
      include: ['src/core/**/*.ts', 'src/wire/**/*.ts'],
      exclude: ['**/*.test.ts'],
      reporter: ['text', 'html'],
    },
    projects: [
      { extends: true, test: { name: 'unit', include: ['src/**/*.test.ts'] } },
      { extends: true, test: { name: 'property', include: ['test/property/**/*.test.ts'], testTimeout: 120_000 } },
      { extends: true, test: { name: 'package', include: ['test/package/**/*.test.ts'], testTimeout: 120_000 } },
      { extends: true, test: { name: 'contract', include: ['test/contract/**/*.test.ts'], ...againstRealServers(0) } },
      {
        extends: true,
        test: { name: 'integration', include: ['test/integration/**/*.test.ts'], ...againstRealServers(1) },
      },
      {
        extends: true,
        test: {
          ...{ name: 'chaos', include: ['test/chaos/**/*.test.ts'], exclude: [CHAOS_RUN] },
          ...againstRealServers(2),
        },
      },
      {
        extends: true,
        test: {
          ...{ name: 'browser', include: ['test/browser/**/*.test.ts'], globalSetup: 'test/support/browser-setup.ts' },
          ...againstRealServers(4),
        },
      },
      // Alone: what it measures and what it breaks would disturb others, and they it.
      { extends: true, test: { name: 'chaos-run', include: [CHAOS_RUN], ...againstRealServers(4) } },
    ],
  },
})

/** Every file brings clients, some bring brokers: more than two at once would only make each other late. */
function againstRealServers(groupOrder: number): {
  testTimeout: number
  hookTimeout: number
  maxWorkers: number
  sequence: { groupOrder: number }
} {
  return { testTimeout: 120_000, hookTimeout: 120_000, maxWorkers: 2, sequence: { groupOrder } }
}
