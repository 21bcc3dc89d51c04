// A stretch of one partition, page by page, in order: while a page is worked on, the next one is fetched. Never more than two
// of them are held.

import type { LogRecord } from '../../consumer/fetched-record.ts'
import type { LogReader, LogSlice } from '../../consumer/log-reader.ts'
import type { TopicPartition } from '../../consumer/topic-partition.ts'
import { aborted } from '../../core/clock.ts'
import { REBUILD_LIMITS } from '../../core/limits.ts'

/** What lies from `from` up to, not including, `to`. */
export interface LogStretch extends TopicPartition {
  readonly from: number
  readonly to: number
}

/** Some records, and where to read on when they are done. */
export interface LogPage {
  readonly records: readonly LogRecord[]
  readonly nextOffset: number
}

/** Reads a stretch. Rejects with `cancelled` when the signal aborts between two pages. */
export async function* readPages(
  reader: LogReader,
  { topic, partition, from, to }: LogStretch,
  signal: AbortSignal,
): AsyncGenerator<LogPage> {
  const fetch = (offset: number): Promise<LogSlice> => {
    const page = reader.read({ topic, partition, offset, maxRecords: REBUILD_LIMITS.pageRecordsMax })
    page.catch(() => undefined) // it is awaited below, unless whoever reads has stopped
    return page
  }
  let fetching = from < to ? fetch(from) : undefined
  while (fetching !== undefined) {
    if (signal.aborted) throw aborted(signal)
    const { records, nextOffset, high } = await fetching
    const isLast = nextOffset >= to || nextOffset >= high
    fetching = isLast ? undefined : fetch(nextOffset)
    yield { records: records.filter(({ offset }) => offset < to), nextOffset: isLast ? to : nextOffset }
  }
}
