// Why a server did not let anybody in, from the error that said so.

import type { ReachFailure } from './deployment-facts.ts'
import { isErrandError, saidBy } from './errors.ts'

/** What Node says of certificates that it does not trust, and servers of those that they do not. */
const CERTIFICATE = /certificate|self.signed|SSL alert/i

/** `refused` when somebody is there and says no, to credentials or certificates; else `unreachable`. */
export function reachFailure(error: unknown): ReachFailure {
  const says = saidBy(error)
  const isRefused = isErrandError(error, 'configuration') || CERTIFICATE.test(says)
  return { kind: isRefused ? 'refused' : 'unreachable', says }
}
