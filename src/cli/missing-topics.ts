// What to do where topics are missing: most often a name is wrong, and else somebody has to make them.

import { ErrandError, isErrandError } from '../core/errors.ts'

/** The error of missing topics with the ways to get them; any other as it is. Without a type: those of the whole namespace. */
export function withWayToTopics(
  error: unknown,
  { namespace = '', type }: { namespace?: string | undefined; type?: string },
): unknown {
  if (!isErrandError(error, 'configuration') || error.details['setting'] !== 'provision') return error
  const what = type === undefined ? `namespace ${namespace}` : `'${type}' in namespace ${namespace}`
  const text = `${what} has no topics, or lacks some (${String(error.details['topics'])}). Is it spelled right? \`errand topics apply --types ${type ?? '<types>'}\` makes them, as do worker, reaper, and enqueue with --provision.`
  return new ErrandError('configuration', text, { details: error.details, cause: error })
}
