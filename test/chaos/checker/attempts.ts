// I7: at most so many attempts as allowed, a dead letter exactly after the last, and between two of them the time that the
// contract's rule says. The rule is written here once more: a mistake in Errand's must not be the checker's too.

import type { CaseBook } from './case-book.ts'
import type { Call, CaseFile, Ending } from './case-file.ts'
import type { Findings } from './findings.ts'

/** Checks I7. That an attempt starts twice only for a reason is in `duplicates.ts`. */
export function checkAttempts({ files }: CaseBook, findings: Findings): void {
  for (const file of files.values()) {
    const { spec } = file
    if (spec === null) continue
    checkCount(file, maxAttemptsOf(spec), findings)
    for (const ending of file.endings) {
      checkLast(ending, maxAttemptsOf(spec), findings)
      checkRetryCount(ending, findings)
      checkDelay(ending, spec, findings)
    }
  }
}

/** 0 stands for no limit. */
function maxAttemptsOf({ maxAttempts }: Call<'enqueue', 'invoke'>): number {
  return maxAttempts === 0 ? Number.POSITIVE_INFINITY : maxAttempts
}

function checkCount({ id, leases, starts }: CaseFile, max: number, findings: Findings): void {
  const attempts = new Set([...leases, ...starts].map(({ attempt }) => attempt))
  const beyond = [...attempts].filter(attempt => attempt > max)
  if (attempts.size <= max && beyond.length === 0) return
  findings.violate('I7', `${id} may have ${max} attempts, and these started: ${[...attempts].join(', ')}`, [id])
}

function checkLast({ id, attempt, outcome }: Ending, max: number, findings: Findings): void {
  if (outcome === 'dead_letter' && attempt !== max) {
    findings.violate('I7', `${id} became a dead letter after attempt ${attempt}; it may have ${max}`, [id])
  }
  if ((outcome === 'retrying' || outcome === 'lease_expired') && attempt >= max) {
    findings.violate('I7', `attempt ${attempt} of ${id} ended ${outcome}, and was its last; it may have ${max}`, [id])
  }
}

/** Attempts before this one all failed; it counts itself when another follows. */
function checkRetryCount({ id, attempt, outcome, retryCount }: Ending, findings: Findings): void {
  const expected = outcome === 'retrying' || outcome === 'lease_expired' ? attempt : attempt - 1
  if (retryCount === expected) return
  findings.violate(
    'I7',
    `attempt ${attempt} of ${id} ended ${outcome} with retry_count ${retryCount}, not ${expected}`,
    [id],
  )
}

function checkDelay(ending: Ending, spec: Call<'enqueue', 'invoke'>, findings: Findings): void {
  const { id, attempt, outcome, endedAtMs, nextAttemptAtMs } = ending
  if (outcome !== 'retrying' && outcome !== 'lease_expired') {
    if (nextAttemptAtMs !== null) {
      findings.violate('I7', `attempt ${attempt} of ${id} ended ${outcome}, and has a next attempt`, [id])
    }
    return
  }
  // min(cap, base * 2^(retry_count + 1)), where retry_count is that of before this failure, which is attempt - 1.
  const backoffMs = Math.min(spec.retryDelayMaxMs, spec.retryDelayMs * 2 ** attempt)
  const expectedMs = outcome === 'lease_expired' ? 0 : Math.round(backoffMs)
  const delayMs = nextAttemptAtMs === null ? null : nextAttemptAtMs - endedAtMs
  if (delayMs === expectedMs) return
  findings.violate(
    'I7',
    `after attempt ${attempt} of ${id} (${outcome}) the next is due in ${delayMs} ms, not ${expectedMs}`,
    [id],
  )
}
