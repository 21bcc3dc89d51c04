// `errand init`: writes the files of a small project, and never over one that is there.

import { mkdir, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import { ErrandError } from '../../core/errors.ts'
import { defineCommand } from '../command.ts'
import { EXIT_CODES } from '../exit-codes.ts'
import { initFiles } from '../init/files.ts'
import { packageVersion } from '../version.ts'

/** The command. */
export const initCommand = defineCommand({
  name: 'init',
  summary: 'write a small project: activities, a worker, a producer, settings and a compose file',
  description:
    'Nothing that exists is overwritten: a package.json that is there stays; any other file of these names is refused.',
  section: 'Begin',
  arguments: [{ name: '[directory]', help: 'where to; made if it is not there (default: here)' }],
  hasOutput: true,
  goesOnUnheard: true,
  answers: '`{ directory, written: [file] }`.',
  examples: ['errand init my-service'],
  async run({ args: [directory = '.'], output }) {
    const files = initFiles(packageVersion())
    const there = [...files.keys()].filter(name => existsSync(join(directory, name)))
    const inTheWay = there.filter(name => name !== 'package.json')
    if (inTheWay.length > 0) {
      throw new ErrandError(
        'conflict',
        `${directory} has ${inTheWay.join(', ')} already; nothing was written. Name another directory.`,
        {
          details: { field: 'directory', files: inTheWay },
        },
      )
    }
    await mkdir(directory, { recursive: true })
    const written = [...files].filter(([name]) => !there.includes(name))
    // `wx`: also what appeared meanwhile is not overwritten.
    for (const [name, text] of written) await writeFile(join(directory, name), text, { flag: 'wx' })
    const names = written.map(([name]) => name)
    await output.document({ directory, written: names }, () => nextSteps(directory, names, there.length > 0))
    return EXIT_CODES.ok
  },
})

function nextSteps(directory: string, names: readonly string[], hasPackage: boolean): string {
  const place = relative('.', directory)
  // Not `npm install`: Errand is on no registry yet.
  const install = `npm install /path/to/errand-${packageVersion()}.tgz${hasPackage ? ' zod' : ''}`
  return `Wrote ${names.join(', ')}.

Next${place === '' ? '' : `, in ${place}`} (Errand is on no registry yet: \`npm pack\` in a clone of it makes the .tgz):
  ${install}
  docker compose up -d --wait          # or set ERRAND_KAFKA_BROKERS and ERRAND_REDIS_URL to yours
  npx errand worker --import ./worker.ts
  node producer.ts                     # in another terminal`
}
