// How far a rebuild has come, in Redis itself: so a position is gone with the data that was written below it.

import { randomUUID } from 'node:crypto'
import { ErrandError, isErrandError } from '../../core/errors.ts'
import { REBUILD_LIMITS } from '../../core/limits.ts'
import type { SideStore } from './side-store.ts'

const LOST = 'rebuild_lost'

/** The position of a rebuild, shared by all who are at it. */
export class RebuildJournal {
  readonly #store: SideStore
  readonly #run: string
  readonly #positions: Map<string, number>
  /** True when another has begun it. */
  readonly isContinued: boolean

  /** Continues what was not finished, unless it is to start over, or Redis has lost data since. */
  static async begin(store: SideStore, params: { readonly restart: boolean }): Promise<RebuildJournal> {
    const [, ...flat] = await call(store, [params.restart ? 'restart' : 'begin', REBUILD_LIMITS.keptMs, randomUUID()])
    let run = ''
    const positions = new Map<string, number>()
    for (let at = 0; at < flat.length; at += 2) {
      if (flat[at] === 'run') run = flat[at + 1] ?? ''
      else positions.set(flat[at] ?? '', Number(flat[at + 1]))
    }
    return new RebuildJournal(store, run, positions)
  }

  private constructor(store: SideStore, run: string, positions: Map<string, number>) {
    this.#run = run
    this.#store = store
    this.#positions = positions
    this.isContinued = positions.size > 0
  }

  /** Where to read on, or undefined when nothing of it was read. */
  position(stretch: string): number | undefined {
    return this.#positions.get(stretch)
  }

  /** Everything below is written. Throws what {@link isLost} knows when Redis has lost data since the beginning. */
  async advance(stretch: string, nextOffset: number): Promise<void> {
    await this.#keep(['advance', REBUILD_LIMITS.keptMs, this.#run, stretch, nextOffset])
    this.#positions.set(stretch, nextOffset)
  }

  /** Everything is written: forgets the positions. Throws as {@link advance}. */
  async finish(): Promise<void> {
    await this.#keep(['finish', REBUILD_LIMITS.finishedMs, this.#run])
  }

  async #keep(args: readonly (string | number)[]): Promise<void> {
    const [answer] = await call(this.#store, args)
    if (answer === 'kept') return
    throw new ErrandError('conflict', 'Redis has lost data while it was rebuilt; rebuild it again.', {
      details: { reason: LOST },
    })
  }
}

function call(store: SideStore, args: readonly (string | number)[]): Promise<string[]> {
  return store.main.run('rebuild', [store.keys.rebuild], args)
}

/** True for the error of a journal whose Redis has lost data: what was done is to be done again. */
export function isLost(error: unknown): boolean {
  return isErrandError(error, 'conflict') && error.details['reason'] === LOST
}
