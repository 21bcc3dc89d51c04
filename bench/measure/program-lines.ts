// What a measured process and the measurement say to each other: a line of JSON each. Commands come on the process's stdin,
// and its end is the command to end; messages go out on its stdout.

import { createInterface } from 'node:readline'
import type { ErrandKafkaOptions } from '../subjects/errand-kafka.ts'
import type { ProcessSample } from './process-sample.ts'
import { takeSample } from './process-sample.ts'

/** `go`: handlers that wait at the gate may end · `sample`: say how you are · `more`: so many more may be enqueued. */
export type Command =
  | { readonly kind: 'go' }
  | { readonly kind: 'sample'; readonly isCollected: boolean }
  | { readonly kind: 'more'; readonly count: number }

/** What ran since the message before. */
export interface RanMessage {
  readonly kind: 'ran'
  readonly settled: number
  /** When the last of them was settled, by {@link preciseNowMs}. */
  readonly lastMs: number
  /** Activities that have begun to hold their slots: long ones, and those at the gate. */
  readonly holding: number
  /** From enqueue to the start of the handler, for those of high priority. Unit: ms. */
  readonly highWaitsMs: readonly number[]
}

/** `ready`: it works, and its start took so long. */
export type Message =
  | { readonly kind: 'ready'; readonly startMs: number }
  | { readonly kind: 'sample'; readonly sample: ProcessSample }
  | RanMessage

/** Says something to the measurement. */
export function say(message: Message): void {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}

/** Answers samples, hands every other command over, and resolves when stdin has ended. */
export async function obey(onCommand: (command: Exclude<Command, { readonly kind: 'sample' }>) => void): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    const command: Command = JSON.parse(line)
    if (command.kind === 'sample') say({ kind: 'sample', sample: takeSample(command.isCollected) })
    else onCommand(command)
  }
}

/** A place as environment variables of a measured process. */
export function environmentOf({ namespace, brokers, redisUrl }: ErrandKafkaOptions): Record<string, string> {
  return { ERRAND_NAMESPACE: namespace, ERRAND_KAFKA_BROKERS: brokers.join(','), ERRAND_REDIS_URL: redisUrl }
}

/** The place that this process was started with. */
export function placeOfEnvironment(): ErrandKafkaOptions {
  const {
    ERRAND_NAMESPACE: namespace = '',
    ERRAND_KAFKA_BROKERS: brokers = '',
    ERRAND_REDIS_URL: redisUrl = '',
  } = process.env
  return { namespace, brokers: brokers.split(','), redisUrl }
}
