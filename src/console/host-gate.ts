// By which names the console may be called, and from which pages it may be changed.
//
// A page of somebody else whose name is made to point here (DNS rebinding) is same-origin for the browser: only the name that it
// called tells it apart. So the Host header is held against a list before anything else is looked at.

import { Problem } from './problem.ts'
import { HOST } from './console-options.ts'

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']

/** Lets in what calls the console by one of its names. */
export class HostGate {
  readonly #allowed: ReadonlySet<string>
  readonly #named: ReadonlySet<string>

  /** `allowedHosts`: lower case, with or without port. */
  constructor(allowedHosts: readonly string[]) {
    this.#named = new Set(allowedHosts)
    this.#allowed = new Set([...LOOPBACK, ...allowedHosts])
  }

  /** Throws 403 unless the request calls the console by a name on the list. */
  check(request: Request): void {
    const host = hostOf(request)
    if (host !== null && isIn(this.#allowed, host)) return
    throw new Problem(
      403,
      'forbidden',
      'this console may not be called by that host name. Whoever runs it can allow the name (--allow-host, allowedHosts).',
      { field: 'host' },
    )
  }

  /**
   * Throws 403 unless a change was asked for by one of the console's own pages, or by a program that shows its token itself
   * (`hasBearer`), which no browser does by itself.
   */
  checkOrigin(request: Request, hasBearer: boolean): void {
    const site = request.headers.get('sec-fetch-site')
    const origin = request.headers.get('origin')
    if (site === 'same-origin') return
    if (site === null && origin === null && hasBearer) return
    // Browsers leave Sec-Fetch-Site out on plain HTTP; then the Origin must be a name of ours.
    if (site === null && origin !== null && this.#isOwn(origin, request)) return
    throw new Problem(
      403,
      'forbidden',
      'changes are only taken from the pages of this console: Sec-Fetch-Site must be same-origin, or Origin its own.',
      { field: 'origin' },
    )
  }

  /** Throws 403 for what another site's page asks for, as far as the browser tells. */
  checkRead(request: Request): void {
    const site = request.headers.get('sec-fetch-site')
    if (site === null || site === 'same-origin' || site === 'none') return
    throw new Problem(403, 'forbidden', 'this is only for the pages of this console.', { field: 'origin' })
  }

  #isOwn(origin: string, request: Request): boolean {
    const match = /^https?:\/\/(.+)$/.exec(origin.toLowerCase())
    const host = match?.[1]
    if (host === undefined || !HOST.test(host)) return false
    // Loopback's other ports are other people's pages: only the very one that was called counts.
    return host === hostOf(request) || isIn(this.#named, host)
  }
}

/** The name that a request called, with its port, in lower case; null when it is none. */
export function hostOf(request: Request): string | null {
  const host = (request.headers.get('host') ?? new URL(request.url).host).toLowerCase()
  return HOST.test(host) ? host : null
}

function isIn(names: ReadonlySet<string>, host: string): boolean {
  return names.has(host) || names.has(host.replace(/:\d{1,5}$/, ''))
}
