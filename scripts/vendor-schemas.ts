// `node scripts/vendor-schemas.ts`: makes test/support/schemas/ anew from public packages. For maintainers, when a version is
// to be raised; tests need only what is committed. It needs Python 3.10 or later with pip, Maven, and Java 21 or later
// (JAVA_HOME, else the PATH), and installs into a folder that it removes again.

import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'
import { pomOf } from './stack/maven.ts'
import { repositoryDir } from './stack/places.ts'
import type { Definitions, Schema } from './vendor-schemas-trim.ts'
import { closure, schemaText, withoutTexts } from './vendor-schemas-trim.ts'

const PYTHON_PACKAGES = [
  'kubernetes-validate==1.37.0',
  'check-jsonschema==0.39.0',
  'cloudcoil.models.keda==2.16.1.0',
  'cloudcoil.models.prometheus_operator==0.80.1.0',
]
const STRIMZI_VERSION = '1.2.0'
/** The oldest and the newest that manifests are checked against. */
const KUBERNETES_VERSIONS = ['1.32', '1.37']
const KUBERNETES_OBJECTS = [
  'apps.v1.Deployment',
  'apps.v1.StatefulSet',
  'autoscaling.v2.HorizontalPodAutoscaler',
  'batch.v1.Job',
  'core.v1.ConfigMap',
  'core.v1.Namespace',
  'core.v1.Secret',
  'core.v1.Service',
  'core.v1.ServiceAccount',
  'networking.v1.NetworkPolicy',
  'policy.v1.PodDisruptionBudget',
].map(name => `io.k8s.api.${name}`)
const OBJECT_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'
/** Sources of volumes that a manifest of ours may have; those of clouds and of nodes are refused, and so not kept. */
const VOLUME_SOURCES = new Set(['ConfigMap', 'EmptyDir', 'PersistentVolumeClaim', 'Projected', 'Secret'])
const FIELDS_OF_NOBODY = new Set(['managedFields', 'ephemeralContainers'])

const target = join(repositoryDir, 'test', 'support', 'schemas')
const workDir = mkdtempSync(join(tmpdir(), 'errand-schemas-'))
try {
  mkdirSync(target, { recursive: true })
  vendorAll(installPython())
} finally {
  rmSync(workDir, { recursive: true, force: true })
}

function vendorAll(python: Python): void {
  for (const version of KUBERNETES_VERSIONS) {
    const id = `kubernetes-${version}`
    write(id, closure(kubernetesDefinitions(python, version), KUBERNETES_OBJECTS, isRefused))
  }
  const [newest = ''] = KUBERNETES_VERSIONS.slice(-1)
  const meta = closure(kubernetesDefinitions(python, newest), [OBJECT_META], isRefused)
  write('keda', custom(python.models('keda.v1alpha1', ['ScaledObject', 'TriggerAuthentication']), meta))
  write('prometheus-operator', custom(python.models('prometheus_operator.v1', ['PrometheusRule', 'PodMonitor']), meta))
  write('strimzi', custom({ KafkaTopic: strimziSchema('io.strimzi.api.kafka.model.topic.KafkaTopic') }, meta))
  const compose = python.file('check_jsonschema/builtin_schemas/vendor/compose-spec.json')
  writeFileSync(join(target, 'compose-spec.json'), `${JSON.stringify(withoutTexts(JSON.parse(compose)))}\n`)
}

function write(id: string, definitions: Definitions): void {
  writeFileSync(join(target, `${id}.json`), schemaText(id, definitions))
}

function isRefused(field: string, name: string): boolean {
  const source = /\.(\w+)VolumeSource$/.exec(name)?.[1]
  return FIELDS_OF_NOBODY.has(field) || (source !== undefined && !VOLUME_SOURCES.has(source))
}

function kubernetesDefinitions(python: Python, version: string): Definitions {
  const folder = `kubernetes_validate/kubernetes-json-schema/v${version}.0-local-strict`
  return (JSON.parse(python.file(`${folder}/_definitions.json`)) as { $defs: Definitions }).$defs
}

/** Objects of somebody's own kind: their metadata is what Kubernetes says of metadata. */
function custom(roots: Readonly<Record<string, Schema>>, meta: Definitions): Definitions {
  const definitions = Object.entries(roots).flatMap(([kind, { $defs, ...root }]) => {
    const parts = Object.entries(($defs ?? {}) as Definitions)
    const prefixed = JSON.stringify([[kind, withMeta(root)], ...parts.map(([name, part]) => [`${kind}.${name}`, part])])
    return JSON.parse(prefixed.replaceAll('"#/$defs/', `"#/$defs/${kind}.`)) as [string, Schema][]
  })
  const rooted = definitions.map(([name, schema]): [string, Schema] => [name, pointed(schema)])
  return closure({ ...Object.fromEntries(rooted), ...meta }, Object.keys(roots), isRefused)
}

function withMeta(root: Schema): Schema {
  return { ...root, properties: { ...(root['properties'] as Schema), metadata: { $ref: 'META' } } }
}

function pointed(schema: Schema): Schema {
  return JSON.parse(JSON.stringify(schema).replaceAll('"META"', `"#/$defs/${OBJECT_META}"`)) as Schema
}

/** Installed packages of Python. */
interface Python {
  /** The text of a file of a package. */
  file(path: string): string
  /** The schemas of some models of a module, by name. */
  models(module: string, names: readonly string[]): Record<string, Schema>
}

function installPython(): Python {
  const venv = join(workDir, 'python')
  const python = join(venv, 'bin', 'python')
  run('python3', ['-m', 'venv', venv])
  run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...PYTHON_PACKAGES])
  const packages = run(python, ['-c', 'import sysconfig; print(sysconfig.get_path("purelib"))']).trim()
  return {
    file: path => readFileSync(join(packages, path), 'utf8'),
    models: (module, names) => {
      const code = `import json\nfrom cloudcoil.models.${module} import ${names.join(', ')}
print(json.dumps({one.__name__: one.model_json_schema() for one in (${names.join(', ')})}))`
      return JSON.parse(run(python, ['-c', code])) as Record<string, Schema>
    },
  }
}

/** The schema of a class of Strimzi's, as its own generator of definitions writes it. */
function strimziSchema(className: string): Schema {
  const folder = join(workDir, 'strimzi')
  mkdirSync(folder)
  const artifact = (name: string): { group: string; name: string; version: string } => ({
    ...{ group: 'io.strimzi', name, version: STRIMZI_VERSION },
  })
  writeFileSync(join(folder, 'pom.xml'), pomOf([artifact('api'), artifact('crd-generator')]))
  run('mvn', ['-q', '-B', 'dependency:copy-dependencies', '-DoutputDirectory=jars'], folder)
  const home = process.env['JAVA_HOME']
  const java = home === undefined ? 'java' : join(home, 'bin', 'java')
  const file = join(folder, 'definition.yaml')
  const args = ['--yaml', '--api-versions', 'v1', '--crd-api-version', 'v1', '--target-kube', '1.30+']
  run(java, ['-cp', join(folder, 'jars', '*'), 'io.strimzi.crdgenerator.CrdGenerator', ...args, `${className}=${file}`])
  const definition = parse(readFileSync(file, 'utf8')) as StrimziDefinition
  const { names, group, versions } = definition.spec
  const [version] = versions
  if (version === undefined) throw new Error(`${className} has no version`)
  const { schema, name } = version
  const { properties } = schema.openAPIV3Schema
  const kind = { type: 'string', enum: [names.kind] }
  const apiVersion = { type: 'string', enum: [`${group}/${name}`] }
  return { ...schema.openAPIV3Schema, properties: { ...properties, apiVersion, kind } }
}

interface StrimziDefinition {
  readonly spec: {
    readonly group: string
    readonly names: { readonly kind: string }
    readonly versions: readonly {
      readonly name: string
      readonly schema: { readonly openAPIV3Schema: Schema & { readonly properties: Schema } }
    }[]
  }
}

function run(program: string, args: readonly string[], cwd: string = workDir): string {
  return execFileSync(program, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
}
