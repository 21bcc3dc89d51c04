// The handlers of the development overlay and of the compose file: one type, no packages but errand itself.

import { defineActivity } from 'errand'

/** Anything with a name. A service would use zod, valibot or another maker of Standard Schemas. */
const named = {
  '~standard': {
    version: 1,
    vendor: 'errand-demo',
    validate: value =>
      typeof value?.name === 'string' ? { value } : { issues: [{ message: 'must be a text', path: ['name'] }] },
  },
}

export const greet = defineActivity({ type: 'greet', input: named })

export function register(worker) {
  worker.handle(greet, ({ name }, ctx) => {
    ctx.log.info('greets', { name })
    return { greeting: `hello ${name}` }
  })
}
