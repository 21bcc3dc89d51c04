// What is kept of a published schema: types, names of fields and their bounds. Texts go; null goes, since a manifest has no
// use for it; and an object that lists its fields has no others.

/** A JSON schema, or a part of one. */
export interface Schema {
  readonly [keyword: string]: unknown
}

/** Schemas by name. */
export type Definitions = Readonly<Record<string, Schema>>

/** What says nothing about validity, or is said in a way that validators do not know (`format: int-or-string`). */
const TEXTS = new Set(['description', 'title', 'default', 'example', 'examples', 'deprecated', '$comment', 'format'])

/** Keywords whose value is a schema for each name. */
const SCHEMAS_BY_NAME = new Set(['properties', 'patternProperties', '$defs', 'definitions'])

/** A schema without texts and without null, whose objects refuse fields that they do not list. */
export function trimmed(schema: Schema): Schema {
  return walked(schema, part => closed(withoutNull(withoutForeignPattern(part))))
}

/** A schema without texts, otherwise as it is. */
export function withoutTexts(schema: Schema): Schema {
  return walked(schema, part => part)
}

/** Takes the texts out of a schema and of its parts, and changes each of them, the innermost first. */
function walked(schema: Schema, change: (part: Schema) => Schema): Schema {
  const kept = Object.entries(schema).filter(([keyword]) => !TEXTS.has(keyword) && !keyword.startsWith('x-'))
  const inner = (value: unknown): unknown => (isSchema(value) ? walked(value, change) : value)
  const parts = kept.map(([keyword, value]) => {
    if (Array.isArray(value)) return [keyword, value.map(inner)]
    if (!SCHEMAS_BY_NAME.has(keyword) || !isSchema(value)) return [keyword, inner(value)]
    return [keyword, Object.fromEntries(Object.entries(value).map(([name, part]) => [name, inner(part)]))]
  })
  return change(Object.fromEntries(parts) as Schema)
}

function closed(schema: Schema): Schema {
  const isOpenList = schema['properties'] !== undefined && schema['additionalProperties'] === undefined
  return isOpenList && schema['type'] === 'object' ? { ...schema, additionalProperties: false } : schema
}

/** Some patterns are written for Go, whose flags stand inside. */
function withoutForeignPattern(schema: Schema): Schema {
  const { pattern, ...rest } = schema
  return typeof pattern === 'string' && pattern.includes('(?i)') ? rest : schema
}

/** `["string", "null"]` is `"string"`, and so is "a string, or else null". */
function withoutNull(schema: Schema): Schema {
  const { anyOf, type, ...rest } = schema
  if (Array.isArray(anyOf)) {
    const choices = (anyOf as readonly Schema[]).filter(choice => choice['type'] !== 'null')
    if (choices.length === 1 && choices[0] !== undefined) return { ...rest, ...choices[0] }
    return { ...rest, ...(type === undefined ? {} : { type }), anyOf: choices }
  }
  if (!Array.isArray(type)) return schema
  const types = (type as readonly string[]).filter(name => name !== 'null')
  return { ...rest, type: types.length === 1 ? types[0] : types }
}

/**
 * The schemas of some objects and of all that they are made of. `refuses`: fields that are left out, and so refused, as is the
 * status of each object: it is not for a manifest to say.
 */
export function closure(
  definitions: Definitions,
  roots: readonly string[],
  refuses: (field: string, target: string) => boolean,
): Definitions {
  const found = new Map<string, Schema>()
  const visit = (name: string): void => {
    if (found.has(name)) return
    const definition = definitions[name]
    if (definition === undefined) throw new Error(`there is no definition ${name}; the package has changed`)
    const isOut = (field: string, target: string): boolean =>
      refuses(field, target) || (field === 'status' && roots.includes(name))
    const schema = withoutFields(trimmed(definition), isOut)
    found.set(name, schema)
    for (const target of targetsIn(schema)) visit(target)
  }
  for (const root of roots) visit(root)
  return Object.fromEntries([...found].toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

function withoutFields(schema: Schema, refuses: (field: string, target: string) => boolean): Schema {
  if (!isSchema(schema['properties'])) return schema
  const fields = Object.entries(schema['properties']).filter(([field, inner]) => {
    const [target = ''] = targetsIn(inner)
    return !refuses(field, target)
  })
  return { ...schema, properties: Object.fromEntries(fields) }
}

function targetsIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(targetsIn)
  if (!isSchema(value)) return []
  const { $ref } = value
  const own = typeof $ref === 'string' ? [$ref.slice($ref.lastIndexOf('/') + 1)] : []
  return [...own, ...Object.values(value).flatMap(targetsIn)]
}

/** A file with a line for each definition, so that a newer version shows as the lines that differ. */
export function schemaText(id: string, definitions: Definitions): string {
  const lines = Object.entries(definitions).map(
    ([name, schema]) => `${JSON.stringify(name)}: ${JSON.stringify(schema)}`,
  )
  return `{\n"$id": ${JSON.stringify(id)},\n"$defs": {\n${lines.join(',\n')}\n}\n}\n`
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
