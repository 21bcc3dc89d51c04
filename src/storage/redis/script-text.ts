// The Lua scripts as Redis gets them: what several need stands before each, so their hashes are those of both together.

import { readFileSync } from 'node:fs'

/** Every script: its file in `scripts/`. */
export const SCRIPTS = [
  'claim',
  'settle',
  'renew',
  'release',
  'expired',
  'reap',
  'index',
  'due',
  'look',
  'forget',
  'reserve',
  'confirm',
  'cancel',
  'restore',
  'rekey',
  'redriven',
  'redrive',
  'result',
  'expire',
  'rebuild',
  'operation',
  'generation',
  'unlock',
] as const
/** The name of a script. */
export type ScriptName = (typeof SCRIPTS)[number]

const fileText = (name: string): string => readFileSync(new URL(`./scripts/${name}.lua`, import.meta.url), 'utf8')
const shared = fileText('shared')
const texts = new Map<ScriptName, string>(SCRIPTS.map(name => [name, `${shared}\n${fileText(name)}`]))

/** What a script says itself, without what it shares. */
export function ownText(name: ScriptName): string {
  return fileText(name)
}

/** The text of a script, as it is sent. */
export function scriptText(name: ScriptName): string {
  return texts.get(name) ?? ''
}
