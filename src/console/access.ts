// Who may do what. A token is shown once, at sign-in, or by programs in each request (`Authorization: Bearer`); pages then have a
// cookie that scripts cannot read. The cookie says role and end under a seal made from the tokens: so all replicas know it, a
// restart forgets nobody, and a new token signs everybody out.

import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import { CONSOLE_LIMITS } from '../core/limits.ts'
import { Problem } from './problem.ts'

/** What somebody may do. `act` includes `view`. */
export const ROLES = ['view', 'act'] as const
/** One of {@link ROLES}. */
export type Role = (typeof ROLES)[number]

/** How a request showed who it is. */
export type ShownBy = 'open' | 'bearer' | 'session'

/** Somebody, as far as is known. */
export interface Shown {
  /** Null: nobody that we know. */
  readonly role: Role | null
  readonly by: ShownBy
}

/** What {@link Access} needs. */
export interface AccessParts {
  readonly tokens: { readonly view: string | null; readonly act: string | null }
  readonly readOnly: boolean
  readonly clock: Clock
}

/** A cookie that is set, or taken away. */
export interface CookieScope {
  readonly path: string
  readonly isSecure: boolean
}

const COOKIE_BYTES_MAX = 8_192

/** Knows tokens and sessions. */
export class Access {
  /** False: whoever reaches the console may act. */
  readonly needsToken: boolean
  readonly #parts: AccessParts
  readonly #digests: Readonly<Record<Role, Buffer | null>>
  readonly #sealKey: Buffer
  readonly #cookieName: string
  readonly #failures: Failures

  constructor(parts: AccessParts) {
    const { view, act } = parts.tokens
    this.#parts = parts
    this.needsToken = view !== null || act !== null
    this.#digests = { view: digestOf(view), act: digestOf(act) }
    this.#sealKey = createHash('sha256')
      .update(JSON.stringify(['errand console session', view, act]))
      .digest()
    // Cookies do not tell ports apart: two consoles of one host must not sign each other out.
    this.#cookieName = `errand_session_${this.#seal('name').slice(0, 8)}`
    this.#failures = new Failures(parts.clock)
  }

  /** Who a request is from. Throws 429 for a wrong token when too many came. */
  shownBy(request: Request, address: string | null): Shown {
    if (!this.needsToken) return { role: this.#capped('act'), by: 'open' }
    const bearer = bearerOf(request)
    if (bearer !== null) return { role: this.#tokenRole(bearer, address), by: 'bearer' }
    return { role: this.#capped(this.#sessionRole(request)), by: 'session' }
  }

  /** True when a request shows a token itself. */
  hasBearer(request: Request): boolean {
    return this.needsToken && bearerOf(request) !== null
  }

  /** The role of a token, and the cookie that stands for it. Throws 401 for a wrong one, 429 for it when too many came. */
  signIn(token: string, address: string | null, scope: CookieScope): { readonly role: Role; readonly cookie: string } {
    if (!this.needsToken) throw new Problem(409, 'conflict', 'this console takes no token: nobody has to sign in.')
    const role = this.#tokenRole(token, address)
    if (role === null) throw new Problem(401, 'unauthorized', 'that token is none of this console.', { field: 'token' })
    const endsAtMs = this.#parts.clock.nowMs() + CONSOLE_LIMITS.sessionMs
    const facts = `v1.${role}.${endsAtMs}`
    return { role, cookie: this.#cookie(`${facts}.${this.#seal(facts)}`, CONSOLE_LIMITS.sessionMs / 1_000, scope) }
  }

  /** The cookie that takes a session away. */
  signOut(scope: CookieScope): string {
    return this.#cookie('', 0, scope)
  }

  #tokenRole(token: string, address: string | null): Role | null {
    const digest = digestOf(token)
    // Both are always compared, and digests of one length: the time that it takes tells nothing.
    const isAct = isSame(digest, this.#digests.act)
    const isView = isSame(digest, this.#digests.view)
    // Before wrong ones are counted: whoever shares an address with a guesser, as behind a proxy, is let in all the same.
    if (isAct || isView) return this.#capped(isAct ? 'act' : 'view')
    this.#failures.check(address)
    this.#failures.add(address)
    return null
  }

  #sessionRole(request: Request): Role | null {
    // A page of another host under the same domain can add cookies, but no sealed ones: each of our name is tried.
    for (const value of cookiesOf(request, this.#cookieName)) {
      const match = /^(v1\.(view|act)\.(\d{1,15}))\.([A-Za-z0-9_-]{43})$/.exec(value)
      if (match === null) continue
      const [, facts = '', role, endsAtMs = '', seal = ''] = match
      if (!isSame(Buffer.from(seal), Buffer.from(this.#seal(facts)))) continue
      if (Number(endsAtMs) > this.#parts.clock.nowMs()) return role === 'act' ? 'act' : 'view'
    }
    return null
  }

  #capped(role: Role | null): Role | null {
    return role === 'act' && this.#parts.readOnly ? 'view' : role
  }

  #seal(facts: string): string {
    return createHmac('sha256', this.#sealKey).update(facts).digest('base64url')
  }

  #cookie(value: string, maxAgeS: number, { path, isSecure }: CookieScope): string {
    const secure = isSecure ? '; Secure' : ''
    return `${this.#cookieName}=${value}; Path=${path}; Max-Age=${maxAgeS}; HttpOnly; SameSite=Strict${secure}`
  }
}

/** Wrong tokens of the last minute. Those of one address count: one bound for all would let anybody shut everybody out. */
class Failures {
  readonly #clock: Clock
  readonly #byAddress = new Map<string, number>()
  #sinceMs: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#sinceMs = clock.monotonicMs()
  }

  check(address: string | null): void {
    const leftMs = this.#sinceMs + CONSOLE_LIMITS.signInWindowMs - this.#clock.monotonicMs()
    if (leftMs <= 0) {
      this.#sinceMs = this.#clock.monotonicMs()
      this.#byAddress.clear()
    }
    if (address === null || (this.#byAddress.get(address) ?? 0) < CONSOLE_LIMITS.signInFailuresMax) return
    throw new Problem(429, 'too_many_requests', 'too many wrong tokens from this address; wait a minute.', {
      retryAfterS: Math.ceil(leftMs / 1_000),
    })
  }

  add(address: string | null): void {
    if (address === null) return
    const isRoom = this.#byAddress.size < CONSOLE_LIMITS.addressesMax || this.#byAddress.has(address)
    if (isRoom) this.#byAddress.set(address, (this.#byAddress.get(address) ?? 0) + 1)
  }
}

function digestOf(token: string): Buffer
function digestOf(token: string | null): Buffer | null
function digestOf(token: string | null): Buffer | null {
  return token === null ? null : createHash('sha256').update(token, 'utf8').digest()
}

function isSame(one: Buffer, other: Buffer | null): boolean {
  return other !== null && one.length === other.length && timingSafeEqual(one, other)
}

function bearerOf(request: Request): string | null {
  const header = request.headers.get('authorization')
  const match = header === null ? null : /^Bearer ([!-~]{1,512})$/i.exec(header)
  return match?.[1] ?? null
}

function cookiesOf(request: Request, name: string): string[] {
  const header = request.headers.get('cookie') ?? ''
  if (header.length > COOKIE_BYTES_MAX) return []
  return header.split(';').flatMap(pair => {
    const [key, value] = pair.trim().split('=', 2)
    return key === name && value !== undefined ? [value] : []
  })
}
