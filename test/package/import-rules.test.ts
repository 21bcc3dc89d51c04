// The linter bites: in a copy of the tree's layout, every folder holds imports that it may make and imports that it may
// not, and exactly the latter are refused. Planted outside the tree, so that nothing is left behind and nobody trips over it.

import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'

import { expect, test } from 'vitest'

const ROOT = new URL('../../', import.meta.url).pathname

/** Per folder (a file in it): what may be imported, and what may not. */
const PLANTED: Readonly<Record<string, { readonly may: readonly string[]; readonly mayNot: readonly string[] }>> = {
  'src/core/x.ts': {
    may: ['./y.ts'],
    mayNot: ['../wire/y.ts', '../storage/storage.ts', '../client/y.ts', 'zod', 'kafkajs', 'ioredis', 'node:fs'],
  },
  'src/wire/x.ts': {
    may: ['./y.ts', '../core/y.ts', 'zod'],
    mayNot: ['../producer/y.ts', '../storage/storage.ts', 'kafkajs', 'ioredis', '@opentelemetry/api'],
  },
  'src/telemetry/x.ts': {
    may: ['./y.ts', '../core/y.ts', '@opentelemetry/api'],
    mayNot: ['../wire/y.ts', '../client/y.ts', '../worker/y.ts', 'zod', 'kafkajs'],
  },
  'src/producer/x.ts': {
    may: ['./y.ts', '../core/y.ts', '../wire/y.ts', '../telemetry/y.ts', 'kafkajs', 'node:module'],
    mayNot: ['../consumer/y.ts', '../storage/kafka/y.ts', '../storage/storage.ts', 'ioredis', 'zod'],
  },
  'src/consumer/x.ts': {
    may: ['./y.ts', '../core/y.ts', '../wire/y.ts', '../telemetry/y.ts', '../producer/kafka-client.ts', 'kafkajs'],
    mayNot: ['../producer/topic-writer.ts', '../storage/kafka/y.ts', 'ioredis', 'zod'],
  },
  'src/storage/storage.ts': {
    may: ['../core/y.ts'],
    mayNot: ['./kafka/y.ts', './memory/y.ts', '../wire/y.ts', '../client/y.ts', 'kafkajs', 'node:fs'],
  },
  'src/storage/redis/x.ts': {
    may: ['./y.ts', '../../core/y.ts', '../../wire/y.ts', 'ioredis', 'node:crypto'],
    mayNot: ['../storage.ts', '../kafka/y.ts', '../memory/y.ts', '../../producer/y.ts', 'kafkajs', 'zod'],
  },
  'src/storage/memory/x.ts': {
    may: ['./y.ts', '../../core/y.ts', '../storage.ts', 'node:crypto'],
    mayNot: ['../redis/y.ts', '../kafka/y.ts', '../../wire/y.ts', '../../telemetry/y.ts', 'kafkajs', 'ioredis', 'zod'],
  },
  'src/storage/kafka/x.ts': {
    may: ['./y.ts', '../../core/y.ts', '../../wire/y.ts', '../../telemetry/y.ts', '../../producer/y.ts'].concat([
      '../../consumer/y.ts',
      '../redis/y.ts',
      '../storage.ts',
      'node:crypto',
    ]),
    mayNot: ['../memory/y.ts', '../../worker/y.ts', '../../client/y.ts', 'kafkajs', 'ioredis', 'zod'],
  },
  'src/reaper/x.ts': {
    may: ['./y.ts', '../core/y.ts', '../telemetry/y.ts', '../storage/storage.ts', 'node:os'],
    mayNot: ['../storage/kafka/y.ts', '../worker/y.ts', '../client/y.ts', '../wire/y.ts', 'kafkajs', 'ioredis'],
  },
  'src/client/x.ts': {
    may: ['./y.ts', '../core/y.ts', '../telemetry/y.ts', '../storage/storage.ts', '@standard-schema/spec'],
    mayNot: ['../storage/memory/y.ts', '../worker/y.ts', '../reaper/y.ts', '../wire/y.ts', 'kafkajs', 'ioredis', 'zod'],
  },
  'src/worker/x.ts': {
    may: ['./y.ts', '../core/y.ts', '../telemetry/y.ts', '../storage/storage.ts', '../client/y.ts', '../reaper/y.ts'],
    mayNot: [
      '../storage/kafka/y.ts',
      '../wire/y.ts',
      '../producer/y.ts',
      'kafkajs',
      'ioredis',
      '@opentelemetry/api',
      'zod',
    ],
  },
  'src/console/ui/x.ts': {
    may: [
      './y.ts',
      '../schemas.ts',
      '../../core/y.ts',
      '../../storage/storage.ts',
      'preact',
      '@preact/signals',
      'uplot',
    ],
    mayNot: ['../../storage/kafka/y.ts', '../../worker/y.ts', '../../wire/y.ts', '../../cli/y.ts'].concat([
      ...['zod', 'hono', 'kafkajs', 'node:fs'],
    ]),
  },
  'src/console/x.ts': {
    may: ['./y.ts', '../core/y.ts', '../client/y.ts', '../operations/y.ts', '../storage/storage.ts'].concat([
      'hono',
      '@hono/node-server',
      'zod',
      'node:http',
    ]),
    mayNot: ['../storage/kafka/y.ts', '../storage/memory/y.ts', '../worker/y.ts', '../wire/y.ts', '../cli/y.ts'].concat(
      ['kafkajs', 'ioredis', '@opentelemetry/api'],
    ),
  },
  'src/testing/x.ts': {
    may: [
      './contract/y.ts',
      '../core/y.ts',
      '../storage/memory/y.ts',
      '../telemetry/y.ts',
      '../client/y.ts',
      '../worker/y.ts',
      'node:assert/strict',
    ],
    mayNot: ['../wire/y.ts', '../producer/y.ts', '../cli/y.ts', 'kafkajs', 'ioredis', 'vitest'],
  },
  'src/testing/contract/x.ts': {
    may: ['./y.ts', '../../core/y.ts', '../../storage/storage.ts', 'node:assert/strict'],
    mayNot: ['../../wire/y.ts', '../../producer/y.ts', 'kafkajs', 'ioredis', 'vitest'],
  },
  'src/doctor/x.ts': {
    may: ['./y.ts', '../core/y.ts'],
    mayNot: ['../storage/storage.ts', '../producer/y.ts', '../client/y.ts', 'kafkajs', 'ioredis', 'zod', 'node:fs'],
  },
  'src/operations/x.ts': {
    may: ['./y.ts', '../core/y.ts', '../client/y.ts', '../telemetry/y.ts', '../worker/y.ts', '../storage/storage.ts'],
    mayNot: ['../storage/kafka/y.ts', '../storage/memory/y.ts', '../wire/y.ts', 'kafkajs', 'ioredis', 'zod'],
  },
  'src/cli/x.ts': {
    may: ['./y.ts', '../storage/kafka/y.ts', '../worker/y.ts', 'zod', 'commander', 'pino', 'node:util'],
    mayNot: ['kafkajs', 'ioredis'],
  },
  'src/cli/commands/x.ts': {
    may: ['../y.ts', '../../storage/kafka/y.ts', '../../worker/y.ts', '@opentelemetry/sdk-node'],
    mayNot: ['kafkajs', 'ioredis'],
  },
  'src/index.ts': {
    may: [
      './core/y.ts',
      './client/y.ts',
      './worker/y.ts',
      './reaper/y.ts',
      './telemetry/y.ts',
      './storage/storage.ts',
    ].concat('./operations/y.ts'),
    mayNot: [
      './storage/kafka/index.ts',
      './storage/memory/index.ts',
      './wire/y.ts',
      './cli/y.ts',
      'kafkajs',
      'ioredis',
      'zod',
    ],
  },
  'src/core/x.test.ts': { may: ['../testing/y.ts', 'vitest', 'fast-check'], mayNot: [] },
}

/** Ways to import: each refused specifier is planted in all of them. */
const FORMS: readonly ((specifier: string, at: number) => string)[] = [
  (specifier, at) => `import { a as a${at} } from '${specifier}'; void a${at}`,
  (specifier, at) => `import type { b as b${at} } from '${specifier}'; export type B${at} = b${at}`,
  (specifier, at) => `export { c as c${at} } from '${specifier}'`,
  (specifier, at) => `export const d${at} = await import('${specifier}')`,
]

interface Finding {
  readonly code: string
  readonly filename: string
  readonly message: string
}

/** Runs the linter with our rules over files in a directory of its own, and gives back what it found. */
async function lint(
  files: Readonly<Record<string, string>>,
  args: readonly string[] = [],
): Promise<readonly Finding[]> {
  const folder = await mkdtemp(join(tmpdir(), 'errand-lint-'))
  try {
    await copyFile(join(ROOT, '.oxlintrc.json'), join(folder, '.oxlintrc.json'))
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true })
      await writeFile(join(folder, path), text)
    }
    const program = join(ROOT, 'node_modules/oxlint/bin/oxlint')
    const said = await new Promise<string>((resolve, reject) => {
      const options = { cwd: folder, maxBuffer: 64 * 1_024 * 1_024 }
      execFile(process.execPath, [program, '-f', 'json', ...args, '.'], options, (error, stdout, stderr) => {
        if (stdout.startsWith('{')) resolve(stdout)
        else reject(new Error(`the linter did not run: ${stderr}${stdout}`, { cause: error }))
      })
    })
    const { diagnostics } = JSON.parse(said) as { diagnostics: readonly Finding[] }
    return diagnostics.map(finding => ({ ...finding, filename: relative(folder, join(folder, finding.filename)) }))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

test('every folder may import what the table says, and nothing else, in whatever form', async () => {
  const files = Object.entries(PLANTED).map(([path, { may, mayNot }]) => {
    const lines = [...may, ...mayNot].flatMap((specifier, at) => FORMS.map(form => form(specifier, at)))
    return [path, lines.join('\n')] as const
  })
  const findings = await lint(Object.fromEntries(files))
  for (const [path, { mayNot }] of Object.entries(PLANTED)) {
    const refused = findings
      .filter(finding => finding.filename === path && finding.code.includes('no-restricted-imports'))
      .map(finding => /'([^']+)' import is restricted/.exec(finding.message)?.[1] ?? finding.message)
    const expected = mayNot.flatMap(specifier => FORMS.map(() => specifier))
    expect(refused.toSorted(), path).toEqual(expected.toSorted())
  }
})

test('what the rules name is refused: dropped promises, open switches, any, !, cycles, default exports', async () => {
  const findings = await lint(
    {
      'tsconfig.json':
        '{ "compilerOptions": { "strict": true, "module": "nodenext", "target": "es2024", "allowImportingTsExtensions": true, "noEmit": true } }',
      'package.json': '{ "type": "module" }',
      'src/core/promises.ts': [
        'export async function work(): Promise<boolean> { return Promise.resolve(true) }',
        'export function drop(): void { work() }',
        'export function misuse(): number { if (work()) return 1; return 0 }',
        "export function open(kind: 'a' | 'b'): number { switch (kind) { case 'a': return 1 } return 0 }",
        'export function loose(value: any): unknown { return value }',
        'export function sure(value: string | undefined): string { return value! }',
      ].join('\n'),
      'src/core/one.ts': "import { two } from './two.ts'\nexport const one = (): number => two()",
      'src/core/two.ts': "import { one } from './one.ts'\nexport const two = (): number => one()",
      'src/core/standard.ts': 'const value = 1\nexport default value',
    },
    ['--type-aware'],
  )
  const codes = new Set(findings.map(finding => /\(([^)]+)\)/.exec(finding.code)?.[1]))
  const named = ['no-floating-promises', 'no-misused-promises', 'switch-exhaustiveness-check', 'no-explicit-any']
  expect([...codes]).toEqual(
    expect.arrayContaining([...named, 'no-non-null-assertion', 'no-cycle', 'no-default-export']),
  )
})
