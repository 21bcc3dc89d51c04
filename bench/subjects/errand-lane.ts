// What Errand's subjects share, on every storage.

import { readFileSync } from 'node:fs'
import type { ActivityDefinition, Client } from '../../src/index.ts'
import type { Lane, Payload } from '../subject.ts'

/** How payloads go into Errand. An item that is not accepted ends the measurement. */
export function enqueuesOf(
  client: Client,
  definition: ActivityDefinition<Payload, Payload>,
): Pick<Lane, 'enqueue' | 'enqueueMany'> {
  return {
    async enqueueMany(payloads) {
      const answers = await client.enqueueMany(
        definition,
        payloads.map(input => ({ input })),
      )
      for (const answer of answers) if ('error' in answer) throw answer.error
    },
    async enqueue(payload) {
      await client.enqueue(definition, payload)
    },
  }
}

/** The version in this repository's package.json. */
export function errandVersion(): string {
  const { version }: { version: string } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  )
  return version
}
