// What a process of the trace story is told, what it says, and the activities that it is about.

import { z } from 'zod'
import { defineActivity } from '../../src/client/define-activity.ts'

/** How such a process works. Where it exports to stands in its environment. */
export interface TracedChildConfig {
  readonly role: 'producer' | 'worker'
  readonly namespace: string
  readonly brokers: readonly string[]
  readonly redisUrl: string
}

/** What the test tells it. */
export type TracedChildOrder =
  | { readonly order: 'enqueue'; readonly fails: number; readonly maxAttempts: number }
  | { readonly order: 'redrive'; readonly id: string }
  /** For the worker: nothing fails from here on. */
  | { readonly order: 'mend' }
  /** Calls the storage with tracing on, as nobody should: what watches the calls must notice. */
  | { readonly order: 'be loud' }
  | { readonly order: 'stop' }

/** What it says. */
export type TracedChildMessage =
  | { readonly event: 'ready' }
  | { readonly event: 'enqueued' | 'redriven'; readonly id: string }
  | { readonly event: 'logged'; readonly message: string; readonly fields: Readonly<Record<string, unknown>> }
  | { readonly event: 'mended' }
  | { readonly event: 'watched'; readonly quiet: number; readonly loud: readonly string[] }
  | { readonly event: 'stopped' }

/** Fails so often, then enqueues a {@link note} and succeeds. */
export const story = defineActivity({
  type: 'story',
  input: z.object({ fails: z.number() }),
  retryDelayMs: 200,
})

/** What the handler of a {@link story} enqueues. */
export const note = defineActivity({ type: 'note', input: z.object({ about: z.string() }) })
