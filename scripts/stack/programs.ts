// Programs that the machine has, and installing those it lacks where that is ours to do.

import { execFileSync, spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { say } from './say.ts'
import { StackError } from './stack-error.ts'

/** Kafka 4 needs this version of Java or a later one. */
export const JAVA_VERSION_MIN = 17

/** The full path of a program on the PATH. */
export function findProgram(name: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  return folders.map(folder => join(folder, name)).find(isExecutable)
}

/** A Java that is new enough: of JAVA_HOME, else of the PATH, else installed. */
export function requireJava(): string {
  return findJava() ?? installed('java', `Java ${JAVA_VERSION_MIN} or later`, newestJavaPackage, findJava)
}

/** Maven, which fetches Kafka's jars: of the PATH, else installed. */
export function requireMaven(): string {
  return (
    findProgram('mvn') ??
    installed(
      'mvn',
      'Maven',
      () => 'maven',
      () => findProgram('mvn'),
    )
  )
}

/** Installs a package with apt-get where we may, and answers what `find` then finds. */
export function installed(
  program: string,
  title: string,
  packageName: () => string,
  find: () => string | undefined,
): string {
  if (!canInstall()) {
    throw new StackError(
      `${program} is missing: install ${title} and run the command again ` +
        '(or set ERRAND_KAFKA_BROKERS and ERRAND_REDIS_URL to a Kafka and a Redis that run already)',
    )
  }
  aptInstall(packageName())
  const found = find()
  if (found === undefined) throw new StackError(`apt-get installed ${packageName()}, but ${program} is not found`)
  return found
}

/** Whether this is Debian or a child of it, and we are root. */
export function canInstall(): boolean {
  return process.getuid?.() === 0 && findProgram('apt-get') !== undefined
}

/** The number in front of a `java -version` answer: 17 of `openjdk version "17.0.15"`, 8 of `"1.8.0_392"`. */
export function parseJavaVersion(output: string): number | undefined {
  const match = /version "(?:1\.)?(\d+)/.exec(output)
  return match === null ? undefined : Number(match[1])
}

function findJava(): string | undefined {
  const home = process.env['JAVA_HOME']
  const candidates = [home === undefined ? undefined : join(home, 'bin', 'java'), findProgram('java')]
  return candidates.find(java => java !== undefined && isExecutable(java) && isNewEnough(java))
}

function isNewEnough(java: string): boolean {
  const answer = spawnSync(java, ['-version'], { encoding: 'utf8', timeout: 20_000 })
  return (parseJavaVersion(`${answer.stderr}${answer.stdout}`) ?? 0) >= JAVA_VERSION_MIN
}

/** Debian's releases each have another one. */
function newestJavaPackage(): string {
  const names = [17, 21, 25].map(version => `openjdk-${version}-jre-headless`)
  return names.find(name => aptKnows(name)) ?? 'default-jre-headless'
}

function aptKnows(name: string): boolean {
  updateAptOnce()
  return spawnSync('apt-cache', ['show', name], { stdio: 'ignore' }).status === 0
}

let isAptUpdated = false

function updateAptOnce(): void {
  if (isAptUpdated) return
  isAptUpdated = true
  spawnSync('apt-get', ['update', '-qq'], { stdio: ['ignore', 2, 2] }) // a failure shows in the install that follows
}

function aptInstall(name: string): void {
  say(`installing ${name} with apt-get (once)`)
  updateAptOnce()
  try {
    execFileSync(
      'apt-get',
      ['install', '-y', '-qq', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120', name],
      {
        stdio: ['ignore', 2, 2],
        env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      },
    )
  } catch {
    throw new StackError(`apt-get could not install ${name}; its output is above. Install it and run the command again`)
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return existsSync(file)
  } catch {
    return false
  }
}
