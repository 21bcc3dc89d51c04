// `npm run dashboards`: writes the dashboard and the alert rules from `observability/`. Names every file that changed;
// `--check` writes nothing and fails when one would.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { GENERATED } from '../observability/generated.ts'
import { repositoryDir } from './stack/places.ts'

const isCheck = process.argv.includes('--check')

for (const { file, text } of GENERATED) {
  const path = join(repositoryDir, file)
  if (existsSync(path) && readFileSync(path, 'utf8') === text) continue
  process.stderr.write(`${file} ${isCheck ? 'is not what observability/ says' : 'written'}\n`)
  if (isCheck) process.exitCode = 1
  else write(path, text)
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}
