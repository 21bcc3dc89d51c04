// The peers' folder: what its package.json asks for is what its lock file gives, and its code fits what is installed.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { isInstalled, PEERS_DIR, POSTGRES_DIR } from '../../scripts/npm-folder.ts'
import { runNode } from '../support/run-program.ts'

interface Manifest {
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

interface Lock {
  readonly packages: Readonly<Record<string, Manifest & { readonly version?: string; readonly resolved?: string }>>
}

async function read<T>(folder: string, file: string): Promise<T> {
  return JSON.parse(await readFile(join(folder, file), 'utf8'))
}

describe.each([PEERS_DIR, POSTGRES_DIR])('%s', folder => {
  test('its package.json and its lock file agree, and the lock file names no registry', async () => {
    const { devDependencies, optionalDependencies } = await read<Manifest>(folder, 'package.json')
    const { packages } = await read<Lock>(folder, 'package-lock.json')
    expect(packages['']?.devDependencies).toEqual(devDependencies)
    expect(packages['']?.optionalDependencies).toEqual(optionalDependencies)
    const wanted = Object.entries({ ...devDependencies, ...optionalDependencies })
    expect(wanted.length).toBeGreaterThan(0)
    for (const [name, range] of wanted) {
      const locked = packages[`node_modules/${name}`]?.version ?? ''
      if (/^\d/.test(range)) expect(locked, name).toBe(range)
      else expect(locked.split('.')[0], name).toBe(range.slice(1).split('.')[0])
    }
    expect(Object.entries(packages).filter(([, { resolved }]) => resolved !== undefined)).toEqual([])
  })
})

describe('the peers', () => {
  test.skipIf(!isInstalled(PEERS_DIR))('fit the types of their packages, where those are installed', async () => {
    const { exitCode, stdout } = await runNode(['node_modules/typescript/bin/tsc', '-p', 'bench/peers', '--noEmit'])
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' })
  })
})
