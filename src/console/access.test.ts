import { expect, test } from 'vitest'
import { CONSOLE_LIMITS } from '../core/limits.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { Access } from './access.ts'

const TOKENS = { view: 'a-token-that-may-look-123', act: 'a-token-that-may-act-1234' }
const SCOPE = { path: '/', isSecure: false }

const access = (clock: ManualClock, tokens = TOKENS): Access => new Access({ tokens, readOnly: false, clock })
const request = (headers: Record<string, string>): Request => new Request('http://localhost/', { headers })
const pairOf = (cookie: string): string => cookie.split(';', 1)[0] ?? ''

test('a session ends after twelve hours', async () => {
  const clock = new ManualClock()
  const who = access(clock)
  const cookie = pairOf(who.signIn(TOKENS.act, null, SCOPE).cookie)
  await clock.advance(CONSOLE_LIMITS.sessionMs - 1)
  expect(who.shownBy(request({ cookie }), null).role).toBe('act')
  await clock.advance(1)
  expect(who.shownBy(request({ cookie }), null).role).toBeNull()
})

test('replicas know it by the same tokens; another token, of either role, signs everybody out', () => {
  const clock = new ManualClock()
  const cookie = pairOf(access(clock).signIn(TOKENS.view, null, SCOPE).cookie)
  expect(access(clock).shownBy(request({ cookie }), null).role).toBe('view')
  for (const changed of [{ act: 'another-token-for-acting' }, { view: 'another-token-for-looking' }]) {
    const [, value = ''] = cookie.split('=')
    const other = access(clock, { ...TOKENS, ...changed })
    const [name = ''] = pairOf(other.signOut(SCOPE)).split('=')
    expect(cookie.startsWith(`${name}=`)).toBe(false)
    expect(other.shownBy(request({ cookie: `${name}=${value}` }), null).role).toBeNull()
  }
})

test('wrong tokens count for their address alone, and for a minute', async () => {
  const clock = new ManualClock()
  const who = access(clock)
  const wrong = (address: string | null): unknown =>
    who.shownBy(request({ authorization: 'Bearer wrong' }), address).role
  for (let n = 0; n < CONSOLE_LIMITS.signInFailuresMax; n++) expect(wrong('10.0.0.1')).toBeNull()
  expect(() => wrong('10.0.0.1')).toThrow(/too many wrong tokens/)
  expect(() => who.signIn('wrong', '10.0.0.1', SCOPE)).toThrow(/too many wrong tokens/)
  // The right one is let in all the same: behind a proxy everybody has one address.
  expect(who.signIn(TOKENS.act, '10.0.0.1', SCOPE).role).toBe('act')
  expect(who.signIn(TOKENS.act, '10.0.0.2', SCOPE).role).toBe('act')
  // Who is signed in stays so.
  const cookie = pairOf(who.signIn(TOKENS.act, '10.0.0.2', SCOPE).cookie)
  expect(who.shownBy(request({ cookie }), '10.0.0.1').role).toBe('act')
  await clock.advance(CONSOLE_LIMITS.signInWindowMs)
  expect(wrong('10.0.0.1')).toBeNull()
  for (let n = 0; n < 100; n++) expect(wrong(null)).toBeNull() // no address: nobody to count for
})

test('where nobody needs a token there is nothing to sign in for', () => {
  const who = new Access({ tokens: { view: null, act: null }, readOnly: false, clock: new ManualClock() })
  expect(who.shownBy(request({ authorization: 'Bearer x' }), null)).toEqual({ role: 'act', by: 'open' })
  expect(() => who.signIn('x', null, SCOPE)).toThrow(/takes no token/)
})

test('a cookie header of any size is taken, and one that is too large says nothing', () => {
  const clock = new ManualClock()
  const who = access(clock)
  const cookie = pairOf(who.signIn(TOKENS.act, null, SCOPE).cookie)
  expect(who.shownBy(request({ cookie: `a=1; ${cookie}; b=2` }), null).role).toBe('act')
  expect(who.shownBy(request({ cookie: `${cookie}; ${'x'.repeat(9_000)}` }), null).role).toBeNull()
})
