import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The version of a package that is installed beside this file. */
export function versionOf(name: string): string {
  const file = join(import.meta.dirname, 'node_modules', name, 'package.json')
  const { version }: { version: string } = JSON.parse(readFileSync(file, 'utf8'))
  return version
}
