// What waiting for work costs.

import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { ObservedNamespace, runAlone } from '../support/observed-namespace.ts'
import { kafkaBrokers, redisUrl } from '../support/stack.ts'

const CHILD = fileURLToPath(new URL('../support/idle-child.ts', import.meta.url))
const MEASURED_MS = 3_000

test('a subscribed storage that has nothing to do uses less than 15 % of a core for three types', async () => {
  await using observed = await ObservedNamespace.open({ types: ['first', 'second', 'third'] })
  const options = { namespace: observed.namespace, brokers: kafkaBrokers(), redisUrl: redisUrl(), partitions: 2 }
  const args = [CHILD, JSON.stringify(options), String(MEASURED_MS)]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  const { subscribed, working } = JSON.parse(stdout) as { subscribed: number; working: number }
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`
  console.log(
    `idle with 3 types: ${percent(subscribed)} of a core subscribed, ${percent(working)} as a worker with its reaper`,
  )
  expect(subscribed, runAlone()).toBeLessThan(0.15)
})
