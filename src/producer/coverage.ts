// Requests as parts, one per partition, and the check that an answer covers them. kafkajs can resolve without having
// sent everything: a partition that it does not know is left out without an error, and so may one be that moves during
// its retries. Only a partition that is in the answer with an offset counts as written.

import type { Entry } from './write-call.ts'

/** Records of one partition that travel together, as one batch. */
export interface Part {
  readonly topic: string
  readonly partition: number
  readonly entries: Entry[]
}

/** What kafkajs says of one partition. */
export interface PartitionAnswer {
  readonly topicName: string
  readonly partition: number
  readonly baseOffset?: string
}

/** A part that was written, and the offset of its first record. */
export interface WrittenPart {
  readonly part: Part
  readonly baseOffset: number
}

/** Tells the parts that an answer covers from those that it does not. */
export function checkCoverage(
  parts: readonly Part[],
  answers: readonly PartitionAnswer[],
): { readonly written: readonly WrittenPart[]; readonly missing: readonly Part[] } {
  const offsets = new Map<string, number>()
  for (const answer of answers) {
    const offset = Number(answer.baseOffset ?? -1)
    if (offset >= 0) offsets.set(partKey(answer.topicName, answer.partition), offset)
  }
  const written: WrittenPart[] = []
  const missing: Part[] = []
  for (const part of parts) {
    const baseOffset = offsets.get(partKey(part.topic, part.partition))
    if (baseOffset === undefined) missing.push(part)
    else written.push({ part, baseOffset })
  }
  return { written, missing }
}

/** Answers every record of a part: a batch's offsets follow each other. */
export function settleWritten({ part, baseOffset }: WrittenPart): void {
  part.entries.forEach((entry, nth) => {
    entry.call.settle(entry.index, { ok: true, offset: String(baseOffset + nth) })
  })
}

/** A partition's name as a map key. */
export function partKey(topic: string, partition: number): string {
  return `${topic}/${partition}`
}
