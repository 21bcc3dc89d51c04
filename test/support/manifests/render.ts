// Renders kustomizations as `kubectl apply -k` would, without a cluster.

import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parse, parseAllDocuments, stringify } from 'yaml'
import { repositoryDir } from '../run-program.ts'
import type { Manifest } from './objects.ts'

const KUSTOMIZATION = 'kustomization.yaml'

/** Why nothing can be rendered here; undefined when it can. */
export function renderTrouble(): string | undefined {
  const { error, status, stderr } = spawnSync('kubectl', ['kustomize', '--help'], { encoding: 'utf8', timeout: 30_000 })
  if (error !== undefined) return `kubectl is not on the PATH (${error.message})`
  return status === 0 ? undefined : `kubectl has no kustomize: ${stderr.trim()}`
}

const rendered = new Map<string, readonly Manifest[]>()

/** The objects of a folder below k8s/, once with what is there, once with these components among those that it names. */
export function render(folder: string, components: readonly string[] = []): readonly Manifest[] {
  const key = [folder, ...components].join(' + ')
  const objects = rendered.get(key) ?? renderChanged(folder, withComponents(folder, components))
  rendered.set(key, objects)
  return objects
}

/** The objects of a folder of a copy of k8s/ in which some files are others, or new. Paths are those below k8s/. */
export function renderChanged(folder: string, files: Readonly<Record<string, string>>): readonly Manifest[] {
  const copy = mkdtempSync(join(tmpdir(), 'errand-k8s-'))
  try {
    cpSync(join(repositoryDir, 'k8s'), copy, { recursive: true })
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(copy, path)), { recursive: true })
      writeFileSync(join(copy, path), text)
    }
    const { status, stdout, stderr } = spawnSync('kubectl', ['kustomize', join(copy, folder)], {
      ...{ encoding: 'utf8', timeout: 60_000, maxBuffer: 16 * 1_024 * 1_024 },
    })
    if (status !== 0) throw new Error(`kubectl kustomize ${folder} failed: ${stderr}`)
    return parseAllDocuments(stdout).map(document => document.toJS() as Manifest)
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

function withComponents(folder: string, components: readonly string[]): Record<string, string> {
  if (components.length === 0) return {}
  const path = join(folder, KUSTOMIZATION)
  const kustomization = parse(readFileSync(join(repositoryDir, 'k8s', path), 'utf8')) as object
  return { [path]: stringify({ ...kustomization, components: components.map(name => `../../components/${name}`) }) }
}
