// What commands say of ids that nothing is remembered of, and how they end when that is true of some.

import type { ErrorCode } from '../core/errors.ts'
import type { Invocation } from './command.ts'
import type { ExitCode } from './exit-codes.ts'
import { EXIT_CODES, exitCodeOf } from './exit-codes.ts'

/** Says on stderr where an id was looked for. The id must have been checked. */
export function sayUnknown({ terminal, config }: Pick<Invocation, 'terminal' | 'config'>, id: string): void {
  const { namespace = '', kafka } = config
  const brokers = (kafka.brokers ?? []).join(',')
  terminal.err(
    `no activity ${id} in namespace ${namespace}: looked in Redis (running, scheduled, ended of late), and in Kafka at ${brokers}
(the lanes of its types; ${namespace}.outcomes as far as it reaches back). Is the namespace the one it was enqueued in?\n`,
  )
}

/** The exit code where nothing came of any: of what went wrong, what is most pressing. */
export function endOfNone(codes: readonly ErrorCode[]): ExitCode {
  const ends = new Set(codes.map(exitCodeOf))
  const { unreachable, timeout, failed, usage, conflict } = EXIT_CODES
  return [unreachable, timeout, failed, usage, conflict].find(end => ends.has(end)) ?? EXIT_CODES.notFound
}

/** How a command ends that was asked for several: well, with `none` when nothing came of any, or partly done. */
export function endOfSeveral(asked: number, done: number, none: ExitCode): ExitCode {
  if (done === asked) return EXIT_CODES.ok
  return done === 0 ? none : EXIT_CODES.partly
}
