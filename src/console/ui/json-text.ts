// JSON as text: read to a tree that keeps every number as it was written, and written again. `JSON.parse` would round 64-bit
// numbers, drop the first of two equal names, and say less of where a mistake is.

import { visibleText } from './visible-text.ts'

/** A value with the text that it came from. */
export type JsonNode =
  | { readonly kind: 'object'; readonly members: readonly JsonMember[] }
  | { readonly kind: 'array'; readonly items: readonly JsonNode[] }
  /** `source`: as it was written. */
  | { readonly kind: 'number' | 'string' | 'boolean' | 'null'; readonly source: string }

/** A name and its value. */
export interface JsonMember {
  readonly name: string
  readonly value: JsonNode
}

/** A text that is no JSON, with the place of the first mistake. */
export class JsonMistake extends Error {
  override readonly name = 'JsonMistake'
  /** From 1. */
  readonly line: number
  /** From 1. */
  readonly column: number

  constructor(text: string, at: number, says: string) {
    const before = text.slice(0, at)
    const line = before.split('\n').length
    const column = at - before.lastIndexOf('\n')
    super(`line ${line}, column ${column}: ${says}`)
    this.line = line
    this.column = column
  }
}

/** Deeper is not shown as a tree: the stack is finite. */
const DEPTH_MAX = 1_000
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
// eslint-disable-next-line no-control-regex -- control characters are what must not stand in a string
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y
const SPACE = /[ \t\n\r]*/y

/** Reads a whole text. Throws {@link JsonMistake}. */
export function parseJsonText(text: string): JsonNode {
  const reader = new Reader(text)
  const node = reader.value(0)
  reader.end()
  return node
}

/** A text as people read it: a member a line, two spaces for each level, and nothing that turns the direction of writing. */
export function prettyJson(node: JsonNode): string {
  return visibleText(written(node, ''))
}

/** The value of a member; of two with one name the last, as everywhere. */
export function memberOf(node: JsonNode | undefined, name: string): JsonNode | undefined {
  return node?.kind === 'object' ? node.members.findLast(member => member.name === name)?.value : undefined
}

/** A string's own characters. */
export function stringOf(source: string): string {
  return JSON.parse(source) as string
}

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  value(depth: number): JsonNode {
    if (depth > DEPTH_MAX) throw this.#mistake(`nested more than ${DEPTH_MAX} levels deep`)
    this.#match(SPACE)
    const start = this.#text[this.#at]
    if (start === '{') return this.#object(depth)
    if (start === '[') return this.#array(depth)
    if (start === '"') return { kind: 'string', source: this.#string() }
    for (const word of ['true', 'false', 'null'] as const) {
      if (!this.#text.startsWith(word, this.#at)) continue
      this.#at += word.length
      return { kind: word === 'null' ? 'null' : 'boolean', source: word }
    }
    const source = this.#match(NUMBER)
    if (source === '')
      throw this.#mistake(start === undefined ? 'the text ends where a value should be' : 'no JSON value')
    return { kind: 'number', source }
  }

  end(): void {
    this.#match(SPACE)
    if (this.#at < this.#text.length) throw this.#mistake('the value has ended, and there is more')
  }

  #object(depth: number): JsonNode {
    const members: JsonMember[] = []
    this.#at += 1
    if (this.#takes('}')) return { kind: 'object', members }
    do {
      this.#match(SPACE)
      if (this.#text[this.#at] !== '"') throw this.#mistake('a name in double quotes should be here')
      const name = stringOf(this.#string())
      if (!this.#takes(':')) throw this.#mistake('a colon should be here')
      members.push({ name, value: this.value(depth + 1) })
    } while (this.#takes(','))
    if (!this.#takes('}')) throw this.#mistake('a comma or } should be here')
    return { kind: 'object', members }
  }

  #array(depth: number): JsonNode {
    const items: JsonNode[] = []
    this.#at += 1
    if (this.#takes(']')) return { kind: 'array', items }
    do items.push(this.value(depth + 1))
    while (this.#takes(','))
    if (!this.#takes(']')) throw this.#mistake('a comma or ] should be here')
    return { kind: 'array', items }
  }

  #string(): string {
    const source = this.#match(STRING)
    if (source === '') throw this.#mistake('a string that does not end, or a wrong \\ or control character in it')
    return source
  }

  #takes(mark: string): boolean {
    this.#match(SPACE)
    if (this.#text[this.#at] !== mark) return false
    this.#at += 1
    return true
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0] ?? ''
    this.#at += found.length
    return found
  }

  #mistake(says: string): JsonMistake {
    return new JsonMistake(this.#text, this.#at, says)
  }
}

function written(node: JsonNode, indent: string): string {
  const inner = `${indent}  `
  if (node.kind === 'array') {
    if (node.items.length === 0) return '[]'
    return `[\n${node.items.map(item => inner + written(item, inner)).join(',\n')}\n${indent}]`
  }
  if (node.kind === 'object') {
    if (node.members.length === 0) return '{}'
    const lines = node.members.map(({ name, value }) => `${inner}${JSON.stringify(name)}: ${written(value, inner)}`)
    return `{\n${lines.join(',\n')}\n${indent}}`
  }
  return node.source
}
