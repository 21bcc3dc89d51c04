// `errand dlq discard`: sets dead letters aside, those that are named at once, those that a filter matches by an operation.

import type { DiscardAnswer } from '../../storage/storage.ts'
import { defineCommand } from '../command.ts'
import type { DeadLetterActOptions } from '../dead-letter-acts.ts'
import { BULK_ANSWERS, BULK_EXITS, actOnDeadLetters, deadLetterActOptions } from '../dead-letter-acts.ts'

/** What became of one that was named. */
interface Discarded {
  readonly outcome: DiscardAnswer['outcome'] | null
}

/** The command. */
export const dlqDiscardCommand = defineCommand<DeadLetterActOptions>({
  name: 'dlq discard',
  summary: 'set dead letters aside that were dealt with',
  description: `They are no longer shown among dead letters (\`dlq list --include-discarded\` shows them), nor redriven in bulk; redriving one by
its id undoes it. Nothing is deleted: the record stays until its retention ends. By ids: at once (with --detach, or to look with --dry-run:
as by a filter). By a filter: first the count and three samples, then the question, then an operation that runs where a reaper runs: Ctrl-C
leaves it going, and \`errand ops attach\` shows how far it is. A Redis that has lost its data has forgotten: then they are shown again.`,
  section: 'Dead letters',
  arguments: [{ name: '[id...]', help: 'ids of dead letters' }],
  options: deadLetterActOptions(),
  settings: ['servers'],
  goesOnUnheard: true,
  hasOutput: true,
  answers: `By ids: \`{ items: [{ id, outcome: "discarded" | "already" | null, error }] }\`. ${BULK_ANSWERS}`,
  exits: `by ids: none is known: 3 · none is a dead letter, or all were redriven: 4 · some: 6. ${BULK_EXITS}`,
  examples: [
    'errand dlq discard $ID --reason "paid by hand"',
    'errand dlq discard --fingerprint 5c0f3a9be1d24a77 --reason "the campaign is over" --yes',
  ],
  run: (call, options) =>
    actOnDeadLetters<Discarded>(call, options, {
      kind: 'discard',
      act: async (client, id, why) => ({ outcome: (await client.discard(id, why)).outcome }),
      undone: { outcome: null },
      said: (id, { outcome }) => `${id} ${outcome === 'already' ? 'was discarded before' : 'is discarded'}`,
    }),
})
