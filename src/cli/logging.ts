// Log lines of commands: on stderr, JSON for collectors or text for people. Fields such as trace and activity ids come with
// the lines; here is only how they are written.

import { pino } from 'pino'
import type { LogFields, Logger } from '../core/logger.ts'
import type { Config } from './config/settings.ts'
import { colorsFor } from './output/style.ts'
import { plain } from './output/table.ts'
import type { Terminal } from './terminal.ts'

/**
 * The logger of a command that answers and ends: warnings and errors, unless more is asked for. What the Kafka client says of its
 * tries is left out then: how they ended is the command's answer.
 */
export function commandLogger(config: Config, terminal: Terminal, isVerbose: boolean): Logger {
  const level = isVerbose ? 'debug' : config.log.level === 'info' ? 'warn' : config.log.level
  const logger = makeLogger(level, config, terminal)
  if (isVerbose) return logger
  const own =
    (name: 'debug' | 'info' | 'warn') =>
    (message: string, fields?: LogFields): void => {
      if (!message.startsWith('kafkajs: ')) logger[name](message, fields)
    }
  return { ...logger, debug: own('debug'), info: own('info'), warn: own('warn') }
}

/** The logger of a command that goes on: what `log.level` says. */
export function serviceLogger(config: Config, terminal: Terminal): Logger {
  return makeLogger(config.log.level, config, terminal)
}

function makeLogger(level: Config['log']['level'], config: Config, terminal: Terminal): Logger {
  const format = config.log.format ?? (terminal.isInteractive ? 'text' : 'json')
  return format === 'text' ? textLogger(level, terminal) : jsonLogger(level, terminal)
}

function jsonLogger(level: Config['log']['level'], terminal: Terminal): Logger {
  const options = {
    level,
    base: null,
    messageKey: 'message',
    formatters: { level: (label: string) => ({ level: label }) },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
  }
  const log = pino(options, { write: line => terminal.err(line) })
  const write =
    (name: 'debug' | 'info' | 'warn' | 'error') =>
    (message: string, fields: LogFields = {}): void =>
      log[name](correlated(plainFields(fields)), message)
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
}

function textLogger(level: Config['log']['level'], terminal: Terminal): Logger {
  const style = colorsFor(terminal.colors.err)
  const names = ['debug', 'info', 'warn', 'error'] as const
  const marks = {
    debug: style.dim('debug'),
    info: style.cyan('info '),
    warn: style.yellow('warn '),
    error: style.red('error'),
  }
  const write =
    (name: (typeof names)[number]) =>
    (message: string, fields: LogFields = {}): void => {
      if (names.indexOf(name) < names.indexOf(level)) return
      const time = new Date().toISOString().slice(11, 23)
      const said = Object.entries(plainFields(fields)).map(([key, value]) => {
        return plain(`${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
      })
      terminal.err(
        `${style.dim(time)} ${marks[name]} ${plain(message)}${said.length === 0 ? '' : ` ${style.dim(said.join(' '))}`}\n`,
      )
    }
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
}

function plainFields(fields: LogFields): LogFields {
  const entries = Object.entries(fields)
  if (!entries.some(([, value]) => value instanceof Error)) return fields
  return Object.fromEntries(entries.map(([key, value]) => [key, value instanceof Error ? value.message : value]))
}

/** As OpenTelemetry names them in logs that are not sent by its own protocol, so that collectors find the trace. */
function correlated(fields: LogFields): LogFields {
  if (!('traceId' in fields)) return fields
  const { traceId, spanId, ...rest } = fields
  return { ...rest, trace_id: traceId, span_id: spanId }
}
