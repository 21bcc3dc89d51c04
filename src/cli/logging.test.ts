import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { kafkaLogCreator } from '../producer/kafka-log.ts'
import { loadConfig } from './config/load.ts'
import { commandLogger, serviceLogger } from './logging.ts'
import type { Terminal } from './terminal.ts'

function logged(level: string, make: (parts: ReturnType<typeof partsOf>) => ReturnType<typeof serviceLogger>): string {
  const parts = partsOf(level)
  const logger = make(parts)
  const timestamp = '2026-01-01T00:00:00Z'
  const log = { timestamp, message: 'Connection error', stack: 'at Socket' }
  kafkaLogCreator(logger)()({ namespace: 'Connection', level: 1, label: 'ERROR', log })
  logger.warn('our own')
  return parts.said.join('')
}

function partsOf(level: string) {
  const said: string[] = []
  const terminal: Terminal = {
    ...{ env: {}, signal: new AbortController().signal, stdin: Readable.from([]) },
    ...{ isInteractive: false, isOutTerminal: false, isInTerminal: false, colors: { out: false, err: false } },
    out: () => Promise.resolve(),
    goOnUnheard: () => undefined,
    err: text => void said.push(text),
  }
  const { config } = loadConfig({ env: { ERRAND_LOG_LEVEL: level }, flags: new Map() })
  return { said, terminal, config }
}

test('a command says nothing of what the Kafka client tries, unless it is asked to; a service does', () => {
  const brief = logged('debug', ({ config, terminal }) => commandLogger(config, terminal, false))
  expect([brief.includes('kafkajs'), brief.includes('our own')]).toEqual([false, true])
  for (const whole of [
    logged('info', ({ config, terminal }) => commandLogger(config, terminal, true)),
    logged('info', ({ config, terminal }) => serviceLogger(config, terminal)),
  ]) {
    expect(whole).toContain('kafkajs: [Connection] Connection error')
  }
})
