// `npm run build`: dist/ anew, from src/ by the compiler, and beside it what the compiler does not know: Lua, vectors and the
// console's pages.

import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, globSync, mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { buildConsoleUi } from './build-console-ui.ts'
import { repositoryDir } from './stack/places.ts'

const source = join(repositoryDir, 'src')
const target = join(repositoryDir, 'dist')

rmSync(target, { recursive: true, force: true })
process.exitCode = compile()
if (process.exitCode === 0) {
  copyAssets()
  await buildConsoleUi(join(target, 'console', 'ui'))
}

/** Answers the compiler's exit code; what it has to say is printed. */
function compile(): number {
  const tsc = join(repositoryDir, 'node_modules', 'typescript', 'bin', 'tsc')
  const args = [tsc, '-p', join(repositoryDir, 'tsconfig.build.json')]
  return spawnSync(process.execPath, args, { cwd: repositoryDir, stdio: 'inherit' }).status ?? 1
}

/** Scripts are read from beside the module that runs them; vectors are published for other languages. */
function copyAssets(): void {
  for (const file of globSync('**/*.lua', { cwd: source })) {
    mkdirSync(dirname(join(target, file)), { recursive: true })
    cpSync(join(source, file), join(target, file))
  }
  const vectors = join('wire', 'vectors')
  if (existsSync(join(source, vectors))) cpSync(join(source, vectors), join(target, vectors), { recursive: true })
}
