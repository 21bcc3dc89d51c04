// Which of the Lua scripts write, by what they call. A command that is not known to read counts as a write.

import { SCRIPTS, ownText, scriptText } from '../../src/storage/redis/script-text.ts'

/** Commands that change nothing, in small letters. */
export const REDIS_READS: ReadonlySet<string> = new Set(
  [
    'exists',
    'get',
    'hexists',
    'hget',
    'hgetall',
    'hlen',
    'hmget',
    'info',
    'mget',
    'mgetBuffer',
    'ping',
    'pttl',
    'time',
    'zcard',
    'zrange',
  ].concat(['zrangebyscore', 'zscore', 'zscan']),
)

/** The scripts that write, each with its text as Redis gets it. */
export function writingScripts(): { readonly name: string; readonly text: string }[] {
  return SCRIPTS.filter(name => writesIn(ownText(name))).map(name => ({ name, text: scriptText(name) }))
}

function writesIn(lua: string): boolean {
  if (/\bwriteMarker\(/.test(lua)) return true // what the scripts share
  const calls = [...lua.matchAll(/redis\.p?call\(\s*'([^']*)'/g)].map(match => (match[1] ?? '').toLowerCase())
  return calls.some(command => !REDIS_READS.has(command))
}
