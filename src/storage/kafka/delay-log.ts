// Records of `ns.delay` by their key. A key's last record counts; but one that is none of ours hides nothing that stands
// before it, and a key that is no text is still a key of its own.

import type { Activity, DelayRecord } from '../../core/activity.ts'
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

/**
 * The key of a long attempt's home: unlike any other, also of the same attempt, so that no tombstone that comes late takes out
 * another record than it was meant for.
 */
export function homeKey({ id, attempt }: Pick<Activity, 'id' | 'attempt'>, token: string): string {
  return `${delayKey(id, attempt)}/${token}`
}

/** What is behind a home's key, by a UUID. No id holds a slash. */
const HOME = /\/[0-9a-f]{8}-[0-9a-f-]{27}$/

/** Whether a record of this key is a home (`rehoming.ts`), no scheduled attempt. */
export function isHome(member: string): boolean {
  return HOME.test(member)
}

/** The scheduled attempt, or the one that has its home there, of a record. Throws `serialization`, also when it stands under another key than its own. */
export function readDelay(record: Pick<LogRecord, 'key' | 'value'>): DelayRecord {
  const delay = decodeDelay(record.value)
  const { id, attempt } = delay.activity
  const member = memberOf(record)
  if (member.replace(HOME, '') === delayKey(id, attempt)) return delay
  // Under another key its tombstone would not reach it, and every sweep would bring it back.
  throw new ErrandError('serialization', `the delay record of ${id}, attempt ${attempt}, stands under another key.`, {
    details: { reason: 'wrong_key' },
  })
}

/** A record as it is indexed. Throws as {@link readDelay}. */
export function indexEntryOf(record: LogRecord): IndexEntry {
  const delay = readDelay(record)
  const entry = { record: delay, partition: record.partition, envelope: encodeActivity(delay.activity) }
  const member = memberOf(record)
  return isHome(member) ? { ...entry, home: member } : entry
}

/**
 * Where the records are that a stretch of the log leaves standing, and nothing of what they say: of each key the last one that
 * can be read, unless a tombstone is behind it. About 200 bytes each.
 */
export class StandingOffsets {
  readonly #latest = new Map<string, number>()
  #isWanted: (member: string) => boolean

  /** `isWanted`: whether a key counts. */
  constructor(isWanted: (member: string) => boolean) {
    this.#isWanted = isWanted
  }

  /** Takes the next record of the log. */
  add(record: LogRecord): void {
    const member = memberOf(record)
    if (!this.#isWanted(member)) return
    if (record.value === null) this.#latest.delete(member)
    // Read only where it would hide another: of most keys there is one.
    else if (!this.#latest.has(member) || isReadable(record)) this.#latest.set(member, record.offset)
  }

  /** From now on fewer keys count, and what stands of the others is let go. */
  narrow(isWanted: (member: string) => boolean): void {
    this.#isWanted = isWanted
    for (const member of this.#latest.keys()) if (!isWanted(member)) this.#latest.delete(member)
  }

  get(member: string): number | undefined {
    return this.#latest.get(member)
  }

  get size(): number {
    return this.#latest.size
  }

  members(): IterableIterator<string> {
    return this.#latest.keys()
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
