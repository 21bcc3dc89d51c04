// The Kubernetes manifests, without a cluster: every overlay and component is rendered as `kubectl apply -k` would, each object
// is checked against the schemas of two versions of Kubernetes and of the operators, unknown fields refused, and all of them
// together against the rules. That the rules find what they are for: manifests-planted.test.ts. That images start is not
// shown by any of it.

import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'vitest'
import { describe, expect, test } from 'vitest'
import type { Manifest } from '../support/manifests/objects.ts'
import { ofKind, titleOf } from '../support/manifests/objects.ts'
import { render, renderChanged, renderTrouble } from '../support/manifests/render.ts'
import { policyProblems } from '../support/manifests/rules.ts'
import { KUBERNETES_VERSIONS, allSchemas, schemaProblems } from '../support/manifests/schemas.ts'
import { topicDifferences } from '../support/manifests/topics.ts'
import { repositoryDir } from '../support/run-program.ts'

const PRODUCTION = 'overlays/production'

/** Every overlay, and every component on top of the one that it is written for. */
const RENDERED: readonly (readonly [folder: string, components: readonly string[]])[] = [
  ['overlays/dev', []],
  [PRODUCTION, []],
  ...componentNames().map(name => [PRODUCTION, [name]] as const),
  [PRODUCTION, componentNames().filter(name => name !== 'hpa')],
]

const trouble = renderTrouble()

/** A check that cannot run is skipped and says why; it does not pass. */
function needsKubectl(context: TestContext): void {
  context.skip(trouble !== undefined, trouble)
}

describe.each(RENDERED)('%s with %j', (folder, components) => {
  test.for(KUBERNETES_VERSIONS)(
    'holds only objects that Kubernetes %s takes, and no unknown field',
    (version, context) => {
      needsKubectl(context)
      const objects = render(folder, components)
      expect(objects.length).toBeGreaterThan(10)
      const problems = objects.flatMap(object =>
        schemaProblems(object, version).map(text => `${titleOf(object)}: ${text}`),
      )
      expect(problems).toEqual([])
    },
  )

  test('keeps every rule', context => {
    needsKubectl(context)
    expect(policyProblems(render(folder, components))).toEqual([])
  })
})

test('production brings no secret of its own; development brings its two', context => {
  needsKubectl(context)
  const secrets = (objects: readonly Manifest[]): number => ofKind(objects, 'Secret').length
  expect(secrets(render(PRODUCTION))).toBe(0)
  expect(secrets(render('overlays/dev'))).toBe(2)
})

test("Strimzi's topics are those that the job would make, with the same settings", context => {
  needsKubectl(context)
  expect(topicDifferences(render(PRODUCTION, ['strimzi']))).toEqual([])
})

test('development shows the console; production does where its overlay says so', context => {
  needsKubectl(context)
  const consoles = (objects: readonly Manifest[]): number =>
    objects.filter(object => titleOf(object) === 'Deployment errand-console').length
  expect([render('overlays/dev'), render(PRODUCTION), render(PRODUCTION, ['console'])].map(consoles)).toEqual([1, 0, 1])
})

test('every object of a schema that lists its fields refuses others', () => {
  const open = [...allSchemas()].flatMap(([file, { $defs }]) =>
    Object.entries($defs).flatMap(([name, schema]) => openObjectsIn(schema, `${file} ${name}`)),
  )
  expect(open).toEqual([])
})

describe('the page about Kubernetes', () => {
  const page = readFileSync(join(repositoryDir, 'docs/operating/kubernetes.md'), 'utf8')

  test('has every object of production in its table, and no other', context => {
    needsKubectl(context)
    const rows = page.split('\n').flatMap(line => /^\| ([A-Z]\w+) (`[^|]+) \|/.exec(line)?.slice(1, 3) ?? [])
    const told = rows.flatMap((kind, at) =>
      at % 2 === 1 ? [] : [...(rows[at + 1] ?? '').matchAll(/`([^`]+)`/g)].map(([, name]) => `${kind} ${name}`),
    )
    const made = [...render(PRODUCTION), ...ofKind(render('overlays/dev'), 'Secret')].map(object =>
      titleOf(object).replace(/-[a-z0-9]{10}$/, ''),
    )
    expect(told.toSorted()).toEqual(made.toSorted())
  })

  test('shows a second group of workers that renders, is taken and keeps every rule', context => {
    needsKubectl(context)
    const [, path = '', snippet = ''] = /```yaml\n# k8s\/(\S+)\n([^]*?)```/.exec(page) ?? []
    const overlay = join(PRODUCTION, 'kustomization.yaml')
    const own = readFileSync(join(repositoryDir, 'k8s', overlay), 'utf8')
    const objects = renderChanged(PRODUCTION, {
      [path]: snippet,
      [overlay]: own.replace('  - ../../base\n', '  - ../../base\n  - invoices\n'),
    })
    expect(objects.map(titleOf)).toEqual(
      expect.arrayContaining(['Deployment errand-worker', 'Deployment errand-worker-invoices']),
    )
    const problems = objects.flatMap(object => KUBERNETES_VERSIONS.flatMap(version => schemaProblems(object, version)))
    expect([...problems, ...policyProblems(objects)]).toEqual([])
  })
})

/** Parts of a schema that have properties and take unknown ones. */
function openObjectsIn(schema: unknown, path: string): string[] {
  if (typeof schema !== 'object' || schema === null) return []
  const { properties, additionalProperties } = schema as { properties?: object; additionalProperties?: unknown }
  const isOpen = properties !== undefined && !Array.isArray(schema) && additionalProperties !== false
  const inner = Object.entries(schema).flatMap(([key, value]) => openObjectsIn(value, `${path}/${key}`))
  return [...(isOpen && !path.endsWith('/properties') ? [path] : []), ...inner]
}

function componentNames(): string[] {
  return readdirSync(join(repositoryDir, 'k8s', 'components')).toSorted()
}
