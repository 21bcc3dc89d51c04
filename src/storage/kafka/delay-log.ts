// Records of `ns.delay` by their key. A key's last record counts; but one that is none of ours hides nothing that stands
// before it, and a key that is no text is still a key of its own.

import type { DelayRecord } from '../../core/activity.ts'
import { ErrandError } from '../../core/errors.ts'
import { delayKey } from '../../core/topics.ts'
import type { LogRecord } from '../../consumer/fetched-record.ts'
import { encodeActivity } from '../../wire/activity-record.ts'
import { decodeDelay } from '../../wire/delay-record.ts'
import type { IndexEntry } from '../redis/schedule.ts'

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

/** A record as it is indexed. Throws as {@link readDelay}. */
export function indexEntryOf(record: LogRecord): IndexEntry {
  const delay = readDelay(record)
  return { record: delay, partition: record.partition, envelope: encodeActivity(delay.activity) }
}

/** What a stretch of the log leaves standing: of each key the last record that can be read, unless a tombstone is behind it. */
class Standing<Kept> {
  readonly #latest = new Map<string, Kept>()
  readonly #keep: (record: LogRecord) => Kept
  readonly #isWanted: (member: string) => boolean

  protected constructor(keep: (record: LogRecord) => Kept, isWanted: (member: string) => boolean) {
    this.#keep = keep
    this.#isWanted = isWanted
  }

  /** Takes the next record of the log. */
  add(record: LogRecord): void {
    const member = memberOf(record)
    if (!this.#isWanted(member)) return
    if (record.value === null) this.#latest.delete(member)
    // Read only where it would hide another: of most keys there is one.
    else if (!this.#latest.has(member) || isReadable(record)) this.#latest.set(member, this.#keep(record))
  }

  get(member: string): Kept | undefined {
    return this.#latest.get(member)
  }

  get size(): number {
    return this.#latest.size
  }

  protected kept(): Kept[] {
    return [...this.#latest.values()]
  }
}

/** The records that stand. */
export class StandingDelays extends Standing<LogRecord> {
  /** `only`: keys that are wanted. @defaultValue all */
  constructor(only?: ReadonlySet<string>) {
    super(
      record => record,
      member => only?.has(member) ?? true,
    )
  }

  records(): LogRecord[] {
    return this.kept()
  }
}

/** Where the records that stand are, and nothing of what they say: about 200 bytes each. */
export class StandingOffsets extends Standing<number> {
  /** `isWanted`: whether a key counts. */
  constructor(isWanted: (member: string) => boolean) {
    super(record => record.offset, isWanted)
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
