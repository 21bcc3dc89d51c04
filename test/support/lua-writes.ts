// Which of the Lua scripts write, by what they call. A command that is not known to read counts as a write.

import { SCRIPTS, scriptText } from '../../src/storage/redis/script-text.ts'

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
    'ping',
    'pttl',
    'time',
    'zcard',
    'zrange',
  ].concat(['zrangebyscore', 'zscore', 'zscan']),
)

/** The scripts that write, each with its text as Redis gets it. */
export function writingScripts(): { readonly name: string; readonly text: string }[] {
  return SCRIPTS.map(name => ({ name, text: scriptText(name) })).filter(({ text }) => writesIn(text))
}

function writesIn(lua: string): boolean {
  const calls = [...lua.matchAll(/redis\.p?call\(\s*'([^']*)'/g)].map(match => (match[1] ?? '').toLowerCase())
  return calls.some(command => !REDIS_READS.has(command))
}
