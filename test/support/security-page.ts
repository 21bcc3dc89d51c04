// The rights that `docs/operating/security.md` tells operators to give, read from that page.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ErrandError } from '../../src/core/errors.ts'
import { repositoryDir } from './run-program.ts'

/** One right at Kafka. */
export interface KafkaRight {
  readonly user: string
  readonly operation: string
  readonly resource: 'topic' | 'group'
  readonly name: string
  readonly isPrefix: boolean
}

/** A user at Redis and the rules of its `ACL SETUSER`. */
export interface RedisUser {
  readonly user: string
  readonly rules: readonly string[]
}

const KNOWN = new Set(['--allow-principal', '--operation', '--topic', '--group', '--resource-pattern-type'])
const PAGE = 'docs/operating/security.md'
const text = readFileSync(join(repositoryDir, PAGE), 'utf8')

/** Every `acls …` line, taken apart. */
export function kafkaRights(): KafkaRight[] {
  return [...text.matchAll(/^acls (--.+)$/gm)].flatMap(([line, words = '']) => {
    const given = new Map<string, string[]>()
    const tokens = words.split(' ')
    for (let at = 0; at < tokens.length; at += 2) {
      const [option = '', value = ''] = tokens.slice(at, at + 2)
      given.set(option, [...(given.get(option) ?? []), value])
    }
    const [principal = ''] = given.get('--allow-principal') ?? []
    const isPrefix = given.get('--resource-pattern-type')?.[0] === 'prefixed'
    if (!principal.startsWith('User:') || [...given.keys()].some(option => !KNOWN.has(option))) {
      throw new ErrandError('internal', `${PAGE}: cannot read ${JSON.stringify(line)}`)
    }
    return (given.get('--operation') ?? []).flatMap(operation =>
      (['topic', 'group'] as const).flatMap(resource =>
        (given.get(`--${resource}`) ?? []).map(name => ({
          ...{ user: principal.slice('User:'.length), operation, resource, name, isPrefix },
        })),
      ),
    )
  })
}

/** Every `ACL SETUSER` line, without its password. */
export function redisUsers(): RedisUser[] {
  return [...text.matchAll(/^ACL SETUSER (\S+) on >… (.+)$/gm)].map(([, user = '', rules = '']) => ({
    user,
    rules: rules.split(' '),
  }))
}
