// `errand dlq redrive`: enqueues dead letters anew, those that are named at once, those that a filter matches by an operation.

import { STATUSES_OF } from '../../operations/operation.ts'
import { defineCommand } from '../command.ts'
import type { DeadLetterActOptions } from '../dead-letter-acts.ts'
import { BULK_ANSWERS, BULK_EXITS, actOnDeadLetters, deadLetterActOptions } from '../dead-letter-acts.ts'

/** What became of one that was named. */
interface Redriven {
  readonly redrivenAs: string | null
}

/** The command. */
export const dlqRedriveCommand = defineCommand<DeadLetterActOptions>({
  name: 'dlq redrive',
  summary: 'enqueue dead letters anew',
  description: `Each becomes a new activity with the same payload and policy; the old one stays as it is and names the new one. Redriving one
twice gives the same activity. By ids: at once (with --detach, or to look with --dry-run: as by a filter). By a filter: first the count
and three samples, then the question, then an operation that runs where a reaper runs: Ctrl-C leaves it going, and \`errand ops attach\`
shows how far it is. What dies meanwhile is left alone, and so is what was discarded, unless it is named.`,
  section: 'Dead letters',
  arguments: [{ name: '[id...]', help: 'ids of dead letters' }],
  options: deadLetterActOptions({
    flags: '--status <status>',
    help: 'others that have ended (dead_letter)',
    choices: STATUSES_OF.redrive,
  }),
  settings: ['servers'],
  goesOnUnheard: true,
  hasOutput: true,
  isTraced: true,
  answers: `By ids: \`{ items: [{ id, redrivenAs, error }] }\`. ${BULK_ANSWERS}`,
  exits: `by ids: none is known: 3 · none can be redriven: 4 (Kafka or Redis away: 5) · some: 6. ${BULK_EXITS}`,
  examples: [
    'errand dlq redrive --fingerprint 5c0f3a9be1d24a77 --dry-run',
    'errand dlq redrive --type send-invoice --after 2h --rate 20/s --reason "printer mended" --yes',
  ],
  run: (call, options) =>
    actOnDeadLetters<Redriven>(call, options, {
      kind: 'redrive',
      act: async (client, id, why) => ({ redrivenAs: (await client.redrive(id, why)).id }),
      undone: { redrivenAs: null },
      said: (id, { redrivenAs }) => `${id} is enqueued anew as ${redrivenAs ?? ''}`,
    }),
})
