import { describe, expect, it } from 'vitest'
import { ErrandError } from '../core/errors.ts'
import { silentLogger } from '../core/logger.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { Supervisor } from './supervisor.ts'

const away = (): ErrandError => new ErrandError('unavailable', 'away')

function setup(answers: (() => Promise<void>)[] = []) {
  const clock = new ManualClock()
  const rebuiltAtMs: number[] = []
  const fatal: ErrandError[] = []
  const supervisor = new Supervisor({
    clock,
    logger: silentLogger,
    silenceMs: 40_000,
    rebuild: () => {
      rebuiltAtMs.push(clock.monotonicMs())
      return answers.shift()?.() ?? Promise.resolve()
    },
    onFatal: error => fatal.push(error),
  })
  supervisor.start()
  return { clock, rebuiltAtMs, fatal, supervisor }
}

describe('the supervisor', () => {
  it('builds a crashed consumer anew after a pause that grows until it has lived for a minute', async () => {
    const { clock, rebuiltAtMs, supervisor } = setup()
    supervisor.crashed(away(), false)
    await clock.advance(250)
    supervisor.crashed(away(), false)
    await clock.advance(500)
    expect(rebuiltAtMs).toEqual([250, 750])
    for (let n = 0; n < 7; n += 1) {
      await clock.advance(9_000)
      supervisor.alive()
    }
    supervisor.crashed(away(), false)
    await clock.advance(250)
    expect(rebuiltAtMs).toEqual([250, 750, 64_000])
    expect(supervisor.rebuilds).toBe(3)
  })

  it('tries again while Kafka is away, and is healthy meanwhile', async () => {
    const { clock, rebuiltAtMs, supervisor } = setup(Array.from({ length: 5 }, () => () => Promise.reject(away())))
    supervisor.crashed(away(), false)
    await clock.advance(20_000)
    expect(rebuiltAtMs).toEqual([250, 750, 1_750, 3_750, 7_750, 12_750])
    expect(supervisor.isHealthy).toBe(true)
    expect(supervisor.rebuilds).toBe(1)
  })

  it('is not healthy when joins never come', async () => {
    const stuck = (): Promise<void> => Promise.reject(new ErrandError('timeout', 'no join'))
    const { clock, supervisor } = setup([stuck, stuck, stuck])
    supervisor.crashed(away(), false)
    await clock.advance(2_000)
    expect(supervisor.isHealthy).toBe(false)
    await clock.advance(10_000)
    expect(supervisor.isHealthy).toBe(true)
  })

  it('takes silence for death', async () => {
    const { clock, rebuiltAtMs, supervisor } = setup()
    await clock.advance(30_000)
    supervisor.alive()
    await clock.advance(40_000)
    expect(rebuiltAtMs).toEqual([])
    await clock.advance(11_000)
    expect(rebuiltAtMs).toHaveLength(1)
  })

  it('builds nothing after a fatal crash and says so', async () => {
    const { clock, rebuiltAtMs, fatal, supervisor } = setup()
    supervisor.crashed(new ErrandError('unsupported', 'a codec'), true)
    await clock.advance(100_000)
    expect([rebuiltAtMs, fatal.map(error => error.code), supervisor.isHealthy]).toEqual([[], ['unsupported'], false])
  })

  it('ends a pause when it is stopped', async () => {
    const { clock, rebuiltAtMs, supervisor } = setup()
    supervisor.crashed(away(), false)
    await supervisor.stop()
    await clock.advance(100_000)
    expect(rebuiltAtMs).toEqual([])
    expect(clock.pendingTimers).toBe(0)
  })
})
