// The files of a run's folder, and all of them read back.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readTopicDump } from './checker/dump-file.ts'
import type { Evidence, FaultLine, RedisDump, RestStats, RunInfo } from './evidence.ts'
import { readHistory, readLedger, readLines, readOffsets } from './load/evidence-file.ts'

/** The files beside histories, ledgers and samples, which their writers name. */
export const FILES = {
  run: 'run.json',
  faults: 'faults.jsonl',
  topics: 'topics.jsonl',
  redis: 'redis.json',
  /** How waiting for rest ended: what was left, and timelines of what was stuck. */
  rest: 'rest.json',
} as const

const NOTHING: RestStats = {
  pending: -1,
  scheduled: -1,
  running: -1,
  completed: -1,
  failed: -1,
  dead_letter: -1,
  cancelled: -1,
}

/** All evidence of a run. Throws when a file is missing or unreadable: what is not there proves nothing. */
export async function readEvidence(dir: string): Promise<Evidence> {
  const json = (name: string): unknown => JSON.parse(readFileSync(join(dir, name), 'utf8'))
  const faultsFile = join(dir, FILES.faults)
  return {
    run: json(FILES.run) as RunInfo,
    history: readHistory(dir),
    ledger: readLedger(dir),
    faults: existsSync(faultsFile) ? readLines<FaultLine>(faultsFile, false) : [],
    offsets: readOffsets(dir),
    topics: await readTopicDump(join(dir, FILES.topics)),
    redis: json(FILES.redis) as RedisDump,
    // Counts that could not be read add up to nothing, so that they are found wrong.
    stats: (json(FILES.rest) as { left: { stats: RestStats | null } }).left.stats ?? NOTHING,
  }
}
