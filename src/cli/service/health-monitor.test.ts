import { expect, test } from 'vitest'
import { ManualClock } from '../../testing/manual-clock.ts'
import type { HealthReport } from '../../storage/storage.ts'
import { HealthMonitor } from './health-monitor.ts'

const check = (trouble: string | null): HealthReport => ({
  checks: [{ name: 'redis', trouble, isFatal: trouble !== null }],
})

test('what is found in a look that a stop overtakes is no alarm: the storage closes by then', async () => {
  const said: string[] = []
  const say = (text: string): void => void said.push(text)
  const clock = new ManualClock()
  const second = Promise.withResolvers<HealthReport>()
  let looks = 0
  const monitor = new HealthMonitor({
    clock,
    logger: { debug: say, info: say, warn: say, error: say },
    ask: () => (looks++ === 0 ? Promise.resolve(check(null)) : second.promise),
    onFatal: () => say('fatal'),
  })
  await monitor.start()
  await clock.advance(3_000)
  expect(looks).toBe(2)
  const stopped = monitor.stop()
  second.resolve(check('Connection is closed.'))
  await stopped
  expect(said).toEqual([])
})

test('what is found before is one', async () => {
  const said: string[] = []
  const say = (text: string): void => void said.push(text)
  const logger = { debug: say, info: say, warn: say, error: say }
  const ask = (): Promise<HealthReport> => Promise.resolve(check('away'))
  const monitor = new HealthMonitor({ clock: new ManualClock(), logger, ask, onFatal: () => say('fatal') })
  await monitor.start()
  await monitor.stop()
  expect(said).toEqual(['redis is not well', 'fatal'])
})
