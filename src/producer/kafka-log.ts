// kafkajs's log lines, in Errand's logger. Its levels are one too loud: it calls a retry that may still succeed an error,
// and each pause and resume worth an information line. The error that counts reaches the caller as an ErrandError.

import type { LogEntry } from 'kafkajs'
import type { Logger } from '../core/logger.ts'

const ERROR = 1
const WARN = 2
const INFO = 4

/** Routine that kafkajs reports at INFO or WARN. */
const ROUTINE =
  /^(Pausing fetching|Resuming fetching|KafkaJS v2\.0\.0 switched default partitioner|Response without match|Response \w+\(key)/

/** A `logCreator` for kafkajs. */
export function kafkaLogCreator(logger: Logger): () => (entry: LogEntry) => void {
  return () => entry => {
    const { timestamp: _timestamp, logger: _logger, message, ...fields } = entry.log
    const text = `kafkajs: ${entry.namespace === '' ? '' : `[${entry.namespace}] `}${message}`
    const level: number = entry.level
    if (ROUTINE.test(message)) logger.debug(text, fields)
    else if (level === ERROR || level === WARN) logger.warn(text, fields)
    else if (level === INFO) logger.info(text, fields)
    else logger.debug(text, fields)
  }
}
