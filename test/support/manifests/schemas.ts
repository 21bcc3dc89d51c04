// Whether an object is one that a Kubernetes of some version takes, strictly: a field that its schema does not list is refused,
// as `kubectl apply --validate=strict` would, but without a server. Where the schemas come from: ../schemas/README.md

import { readFileSync } from 'node:fs'
import type { ValidateFunction } from 'ajv'
import { Ajv } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'

/** Versions of Kubernetes whose schemas are here: the oldest and the newest. */
export const KUBERNETES_VERSIONS = ['1.32', '1.37'] as const

/** One of {@link KUBERNETES_VERSIONS}. */
export type KubernetesVersion = (typeof KUBERNETES_VERSIONS)[number]

/** Kinds that operators bring. */
const CUSTOM = ['keda', 'prometheus-operator', 'strimzi']
const SCHEMAS_DIR = new URL('../schemas/', import.meta.url)

interface RootSchema {
  readonly properties?: {
    readonly apiVersion?: { readonly enum?: readonly string[]; readonly const?: string }
    readonly kind?: { readonly enum?: readonly string[]; readonly const?: string }
  }
}

interface SchemaFile {
  readonly $id: string
  readonly $defs: Readonly<Record<string, RootSchema>>
}

/** What is wrong with an object; empty when nothing is. */
export function schemaProblems(object: unknown, version: KubernetesVersion): string[] {
  const { apiVersion, kind } = (object ?? {}) as { readonly apiVersion?: unknown; readonly kind?: unknown }
  const validate = validatorsOf(version).get(`${String(apiVersion)} ${String(kind)}`)
  if (validate === undefined) return [`there is no schema of ${String(apiVersion)} ${String(kind)}`]
  return validate(object) ? [] : problemsOf(validate)
}

/** What is wrong with a compose file; empty when nothing is. */
export function composeProblems(file: unknown): string[] {
  const schema = readSchema('compose-spec') as unknown as object
  const validate = new Ajv2020({ allErrors: true, allowUnionTypes: true, strictTypes: false }).compile(schema)
  return validate(file) ? [] : problemsOf(validate)
}

/** Every schema that is here, by the name of its file. */
export function allSchemas(): ReadonlyMap<string, SchemaFile> {
  const names = [...KUBERNETES_VERSIONS.map(version => `kubernetes-${version}`), ...CUSTOM]
  return new Map(names.map(name => [name, readSchema(name)]))
}

const validators = new Map<KubernetesVersion, ReadonlyMap<string, ValidateFunction>>()

function validatorsOf(version: KubernetesVersion): ReadonlyMap<string, ValidateFunction> {
  const known = validators.get(version)
  if (known !== undefined) return known
  const files = [`kubernetes-${version}`, ...CUSTOM].map(readSchema)
  const found = new Map(files.flatMap(rootsOf))
  validators.set(version, found)
  return found
}

/** Those definitions that are objects of their own: they say which apiVersion and kind they have. */
function rootsOf(file: SchemaFile): [string, ValidateFunction][] {
  const ajv = new Ajv({ allErrors: true, strict: true })
  ajv.addSchema(file)
  return Object.entries(file.$defs).flatMap(([name, { properties }]): [string, ValidateFunction][] => {
    const [apiVersion, kind] = [properties?.apiVersion, properties?.kind].map(field => field?.const ?? field?.enum?.[0])
    if (apiVersion === undefined || kind === undefined) return []
    return [[`${apiVersion} ${kind}`, ajv.compile({ $ref: `${file.$id}#/$defs/${name}` })]]
  })
}

function readSchema(name: string): SchemaFile {
  return JSON.parse(readFileSync(new URL(`${name}.json`, SCHEMAS_DIR), 'utf8')) as SchemaFile
}

function problemsOf({ errors }: ValidateFunction): string[] {
  return (errors ?? []).map(({ instancePath, message, params }) => {
    const { additionalProperty, unevaluatedProperty } = params as Readonly<Record<string, string | undefined>>
    const unknown = additionalProperty ?? unevaluatedProperty
    return `${instancePath === '' ? '/' : instancePath} ${message ?? 'is wrong'}${unknown === undefined ? '' : `: ${unknown}`}`
  })
}
