// How far operations have come. Redis may lose it: then an operation begins anew.

import { crossing } from '../../core/crash-point.ts'
import { LIMITS, OPERATION_LIMITS } from '../../core/limits.ts'
import { checkId } from '../../core/names.ts'
import { checkInteger, checkText } from '../../core/text.ts'
import type { SideStore } from './side-store.ts'

/** The progress of operations, as the port's `OperationStorage` promises it. */
export class Operations {
  readonly #store: SideStore

  constructor(store: SideStore) {
    this.#store = store
  }

  async save({
    id,
    progressJson,
    ifAbsent = false,
  }: Readonly<{ id: string; progressJson: string; ifAbsent?: boolean }>): Promise<boolean> {
    const { main, keys } = this.#store
    const { progressBytesMax, keptMs, keptMax } = OPERATION_LIMITS
    const places = [keys.operation(checkId(id)), keys.operations]
    const text = checkText('progressJson', progressJson, progressBytesMax)
    const [kept] = await crossing('operation.saved', () =>
      main.run('operation', places, [id, text, keptMs, keptMax, ifAbsent ? '1' : '']),
    )
    return kept === '1'
  }

  async get({ id }: Readonly<{ id: string }>): Promise<string | null> {
    const { main, keys } = this.#store
    const key = keys.operation(checkId(id))
    return main.guard('reading an operation', () => main.redis.get(key))
  }

  async list({
    limit,
  }: Readonly<{ limit: number }>): Promise<readonly { readonly id: string; readonly progressJson: string }[]> {
    const { main, keys } = this.#store
    checkInteger('limit', limit, 1, LIMITS.pageItemsMax)
    return main.guard('listing operations', async () => {
      const ids = await main.redis.zrange(keys.operations, '0', String(limit - 1), 'REV')
      if (ids.length === 0) return []
      const texts = await main.redis.mget(ids.map(id => keys.operation(id)))
      return ids.flatMap((id, at) => {
        const progressJson = texts[at] ?? null
        return progressJson === null ? [] : [{ id, progressJson }]
      })
    })
  }
}
