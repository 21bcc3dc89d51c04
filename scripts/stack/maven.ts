// Jars from Maven Central, fetched once and kept.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withLock } from './lock.ts'
import { cacheDir } from './places.ts'
import { requireJava, requireMaven } from './programs.ts'
import { say } from './say.ts'
import { StackError } from './stack-error.ts'

/** One jar by its Maven coordinates. */
export interface Artifact {
  readonly group: string
  readonly name: string
  readonly version: string
}

/** The folder with these artifacts and all that they depend on; the first call downloads, later ones find it. */
export async function fetchJars(artifacts: readonly [Artifact, ...Artifact[]]): Promise<string> {
  const title = `${artifacts[0].name}-${artifacts[0].version}`
  const folder = join(cacheDir(), title)
  if (existsSync(folder)) return folder
  return await withLock(`${folder}.lock`, async () => {
    if (!existsSync(folder)) download(artifacts, title, folder)
    return folder
  })
}

/** A project that has nothing but dependencies. */
export function pomOf(artifacts: readonly Artifact[]): string {
  const dependencies = artifacts.map(
    ({ group, name, version }) =>
      `    <dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version></dependency>`,
  )
  return [
    '<project xmlns="http://maven.apache.org/POM/4.0.0">',
    '  <modelVersion>4.0.0</modelVersion>',
    '  <groupId>errand</groupId><artifactId>stack</artifactId><version>1</version>',
    '  <dependencies>',
    ...dependencies,
    '  </dependencies>',
    '</project>',
    '',
  ].join('\n')
}

/** Into a folder beside it first: a download that was cut off must not look like a whole one. */
function download(artifacts: readonly Artifact[], title: string, folder: string): void {
  requireJava()
  const maven = requireMaven()
  say(`downloading ${title} with Maven (once)`)
  const draft = `${folder}.draft`
  rmSync(draft, { recursive: true, force: true })
  mkdirSync(draft, { recursive: true })
  const pom = join(draft, 'pom.xml')
  writeFileSync(pom, pomOf(artifacts))
  const result = spawnSync(
    maven,
    [
      '-q',
      '-B',
      '-f',
      pom,
      'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies',
      `-DoutputDirectory=${draft}`,
    ],
    { encoding: 'utf8', timeout: 600_000 },
  )
  if (result.status !== 0) {
    const output = `${result.stdout}${result.stderr}`.trim().split('\n').slice(0, 8).join('\n')
    throw new StackError(`Maven could not download ${title}: is the network there?\n${output}`)
  }
  renameSync(draft, folder)
}
