// Records of `ns.delay` by their key. A key's last record counts; but one that is none of ours hides nothing that stands
// before it, and a key that is no text is still a key of its own.

import type { DelayRecord } from '../../core/activity.ts'
import { ErrandError } from '../../core/errors.ts'
import { delayKey } from '../../core/topics.ts'
import type { LogRecord } from '../../consumer/fetched-record.ts'
import { decodeDelay } from '../../wire/delay-record.ts'

/** A record's key as the index names it. Byte by byte: as UTF-8 all that is none would be the same. Ours are ASCII. */
export function memberOf(record: Pick<LogRecord, 'key'>): string {
  return Buffer.from(record.key ?? []).toString('latin1')
}

/** The scheduled attempt of a record. Throws `serialization`, also when it stands under another key than its own. */
export function readDelay(record: Pick<LogRecord, 'key' | 'value'>): DelayRecord {
  const delay = decodeDelay(record.value)
  const { id, attempt } = delay.activity
  if (memberOf(record) === delayKey(id, attempt)) return delay
  // Under another key its tombstone would not reach it, and every sweep would bring it back.
  throw new ErrandError('serialization', `the delay record of ${id}, attempt ${attempt}, stands under another key.`, {
    details: { reason: 'wrong_key' },
  })
}

/** What a stretch of the log leaves standing: of each key the last record that can be read, unless a tombstone is behind it. */
export class StandingDelays {
  readonly #latest = new Map<string, LogRecord>()
  readonly #only: ReadonlySet<string> | undefined

  /** `only`: keys that are wanted. @defaultValue all */
  constructor(only?: ReadonlySet<string>) {
    this.#only = only
  }

  /** Takes the next record of the log. */
  add(record: LogRecord): void {
    const member = memberOf(record)
    if (this.#only !== undefined && !this.#only.has(member)) return
    if (record.value === null) this.#latest.delete(member)
    // Read only where it would hide another: of most keys there is one.
    else if (!this.#latest.has(member) || isReadable(record)) this.#latest.set(member, record)
  }

  get(member: string): LogRecord | undefined {
    return this.#latest.get(member)
  }

  records(): LogRecord[] {
    return [...this.#latest.values()]
  }
}

function isReadable(record: LogRecord): boolean {
  try {
    readDelay(record)
    return true
  } catch {
    return false // why not is said by who sets it aside
  }
}
