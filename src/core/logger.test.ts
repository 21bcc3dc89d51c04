import { expect, test } from 'vitest'

import type { LogFields, Logger } from './logger.ts'
import { silentLogger, withFields } from './logger.ts'

const LEVELS = ['debug', 'info', 'warn', 'error'] as const

test('the silent logger says nothing at every level', () => {
  for (const level of LEVELS) expect(silentLogger[level]('x')).toBeUndefined()
})

test('withFields adds its fields to every line; a line’s own win', () => {
  const lines: [string, string, LogFields | undefined][] = []
  const note = (level: string) => (message: string, fields?: LogFields) => void lines.push([level, message, fields])
  const logger: Logger = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') }
  const child = withFields(logger, { id: 'a', attempt: 1 })
  for (const level of LEVELS) child[level]('x', { attempt: 2 })
  child.info('bare')
  expect(lines).toEqual([
    ...LEVELS.map(level => [level, 'x', { id: 'a', attempt: 2 }]),
    ['info', 'bare', { id: 'a', attempt: 1 }],
  ])
})
