import { expect, test } from 'vitest'
import { CONSOLE_LIMITS } from '../core/limits.ts'
import { silentLogger } from '../core/logger.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import type { AuditEntry } from './audit.ts'
import { AuditTrail } from './audit.ts'

const facts: Omit<AuditEntry, 'id' | 'atMs'> = {
  ...{ who: 'act at ::1', act: 'cancel', subject: 'x', reason: 'r', requestId: null, outcome: 'done', says: null },
}
const refused: typeof facts = { ...facts, who: 'nobody at ::2', outcome: 'refused', says: 'unauthorized' }

test('strangers push nothing out, and are told of once a minute with how many there were', async () => {
  const clock = new ManualClock()
  const warnings: unknown[] = []
  const heard: AuditEntry[] = []
  const logger = { ...silentLogger, warn: (_: string, more?: object) => warnings.push(more) }
  const trail = new AuditTrail({ clock, logger, listener: entry => heard.push(entry) })
  trail.note(facts)
  for (let n = 0; n < 2_000; n++) trail.noteStranger(refused)
  expect(trail.latest().filter(({ outcome }) => outcome === 'done')).toHaveLength(1)
  expect(trail.latest()).toHaveLength(1 + CONSOLE_LIMITS.strangerEntriesMax)
  expect(trail.latest()[0]).toMatchObject({ id: 2_001, who: 'nobody at ::2' })
  expect([warnings.length, heard.length]).toEqual([1, 2])
  await clock.advance(CONSOLE_LIMITS.strangerLogMs)
  trail.noteStranger(refused)
  expect(warnings[1]).toMatchObject({ untoldBefore: 1_999 })
})
