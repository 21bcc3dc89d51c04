// What a source file calls, where, and inside which function: as much of the syntax as it takes to follow writes upwards.

import { parseAst } from 'vitest/node'

/** A function that others can call by name. */
export interface NamedFunction {
  readonly file: string
  /** '' at the top of a module. `Class.method` for methods. */
  readonly name: string
}

/** A call by name. */
export interface Call {
  readonly file: string
  readonly line: number
  readonly node: Node
  /** The last name of what is called: `write` in `this.#publisher.write()`. */
  readonly name: string
  /** The last name in front of it, without its `#`: `publisher`; undefined when a function is called. */
  readonly receiver: string | undefined
  readonly inside: NamedFunction
  /** The crossing around it, if any. */
  readonly crossing: Node | undefined
}

/** A file, read. */
export interface SourceFile {
  readonly file: string
  readonly calls: readonly Call[]
  /** Local names of what is imported: from which module, and as what. */
  readonly imports: ReadonlyMap<string, { readonly from: string; readonly name: string }>
  /** Methods by class. */
  readonly methods: readonly { readonly owner: string; readonly name: string }[]
  /** What local names were initialised with. */
  readonly initials: ReadonlyMap<string, Node>
}

/** A node of the syntax tree, looked at with care. */
export interface Node {
  readonly type: string
  readonly start: number
  readonly [field: string]: unknown
}

/** Reads a TypeScript source. */
export function readSource(file: string, text: string): SourceFile {
  const reading = new Reading(file, text)
  reading.visit(parseAst(text, { lang: 'ts' }) as unknown as Node, { inside: { file, name: '' } })
  return reading
}

/** A field that holds a node. */
export function child(node: Node | undefined, field: string): Node | undefined {
  const value = node?.[field]
  return isNode(value) ? value : undefined
}

/** A field that holds nodes. */
export function children(node: Node, field: string): readonly Node[] {
  const value = node[field]
  return Array.isArray(value) ? value.filter(isNode) : []
}

/** The name that an identifier or a plain member stands for, without its `#`. */
export function nameOf(node: Node | undefined): string | undefined {
  if (node === undefined) return undefined
  if (node.type === 'ThisExpression') return 'this'
  if (node.type === 'Identifier' || node.type === 'PrivateIdentifier') return String(node['name'])
  if (node.type === 'MemberExpression' && node['computed'] !== true) return nameOf(child(node, 'property'))
  return undefined
}

interface Place {
  readonly inside: NamedFunction
  readonly owner?: string
  readonly crossing?: Node
}

class Reading implements SourceFile {
  readonly file: string
  readonly calls: Call[] = []
  readonly imports = new Map<string, { from: string; name: string }>()
  readonly methods: { owner: string; name: string }[] = []
  readonly initials = new Map<string, Node>()
  readonly #text: string

  constructor(file: string, text: string) {
    this.file = file
    this.#text = text
  }

  visit(node: Node, place: Place): void {
    if (node.type === 'ImportDeclaration') return this.#noteImports(node)
    if (node.type === 'CallExpression') return this.#visitCall(node, place)
    if (node.type === 'VariableDeclarator') this.#noteInitial(node)
    this.#visitFields(node, this.#entered(node, place))
  }

  #visitFields(node: Node, place: Place): void {
    for (const value of Object.values(node)) {
      for (const each of Array.isArray(value) ? value : [value]) if (isNode(each)) this.visit(each, place)
    }
  }

  #entered(node: Node, place: Place): Place {
    const { file } = this
    const isOutermost = place.inside.name === ''
    if (node.type === 'ClassDeclaration') return { ...place, owner: nameOf(child(node, 'id')) ?? '' }
    if (node.type === 'MethodDefinition' || node.type === 'PropertyDefinition') {
      const name = nameOf(child(node, 'key')) ?? ''
      const owner = place.owner ?? ''
      if (node.type === 'MethodDefinition') this.methods.push({ owner, name })
      return { ...place, inside: { file, name: `${owner}.${name}` } }
    }
    if (node.type === 'FunctionDeclaration' && isOutermost)
      return { ...place, inside: { file, name: nameOf(child(node, 'id')) ?? '' } }
    if (node.type === 'VariableDeclarator' && isOutermost)
      return { ...place, inside: { file, name: nameOf(child(node, 'id')) ?? '' } }
    return place
  }

  #visitCall(node: Node, place: Place): void {
    const callee = child(node, 'callee')
    const name = nameOf(callee)
    if (callee !== undefined && name !== undefined) {
      const isMember = callee.type === 'MemberExpression'
      const receiver = isMember ? (nameOf(child(callee, 'object')) ?? '') : undefined
      const line = this.#text.slice(0, node.start).split('\n').length
      this.calls.push({ file: this.file, line, node, name, receiver, inside: place.inside, crossing: place.crossing })
    }
    const isCrossing = callee?.type === 'Identifier' && name === 'crossing'
    this.#visitFields(node, isCrossing ? { ...place, crossing: node } : place)
  }

  #noteImports(node: Node): void {
    const from = String(child(node, 'source')?.['value'])
    for (const specifier of children(node, 'specifiers')) {
      const local = nameOf(child(specifier, 'local'))
      if (local !== undefined) this.imports.set(local, { from, name: nameOf(child(specifier, 'imported')) ?? local })
    }
  }

  #noteInitial(node: Node): void {
    const name = nameOf(child(node, 'id'))
    const initial = child(node, 'init')
    if (name !== undefined && initial !== undefined) this.initials.set(name, initial)
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string'
}
