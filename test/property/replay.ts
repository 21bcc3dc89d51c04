// Runs a property of commands; a failure prints the seed and the way to run the shrunk case alone:
// ERRAND_SEED and ERRAND_PATH (fast-check's path and, after a comma, the commands' own), as the failure says.
// ERRAND_RUNS asks for more runs than are made by default.

import assert from 'node:assert/strict'
import fc from 'fast-check'

const [path, replayPath] = (process.env['ERRAND_PATH'] ?? '').split(',')

/** For `fc.commands`: what ERRAND_PATH says about the commands. */
export const replayedCommands: { readonly replayPath?: string } = replayPath === undefined ? {} : { replayPath }

/** Checks a property, anew or as ERRAND_SEED and ERRAND_PATH say. `file`: the test's, for the message. */
export async function holds<Ts>(
  property: fc.IAsyncProperty<Ts>,
  { file, ...parameters }: fc.Parameters<Ts> & { readonly file: string },
): Promise<void> {
  const seed = process.env['ERRAND_SEED']
  const runs = process.env['ERRAND_RUNS']
  const details = await fc.check<Ts>(property, {
    ...parameters,
    ...(runs === undefined ? {} : { numRuns: Number(runs) }),
    ...(seed === undefined ? {} : { seed: Number(seed) }),
    ...(path === undefined || path === '' ? {} : { path, endOnFailure: true }),
  })
  if (!details.failed) return
  const commands = String(details.counterexample)
  const replay = /replayPath="([^"]*)"/.exec(commands)?.[1]
  const where = `${details.counterexamplePath ?? ''}${replay === undefined ? '' : `,${replay}`}`
  const how = `ERRAND_SEED=${details.seed} ERRAND_PATH='${where}' npx vitest run ${file}`
  const why = details.errorInstance instanceof Error ? details.errorInstance.stack : String(details.errorInstance)
  assert.fail(`after ${details.numRuns} runs and ${details.numShrinks} shrinks:\n  ${commands}\nalone: ${how}\n${why}`)
}
