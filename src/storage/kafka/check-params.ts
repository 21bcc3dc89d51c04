// What callers give the storage, checked before anything is asked or written.

import { ErrandError } from '../../core/errors.ts'
import { LIMITS } from '../../core/limits.ts'
import { checkType } from '../../core/names.ts'
import { checkInteger, checkText } from '../../core/text.ts'

/** The types, each of its form and at least one. Throws `invalid_argument`. */
export function checkTypes(types: readonly string[]): readonly string[] {
  if (!Array.isArray(types) || types.length === 0) {
    throw new ErrandError('invalid_argument', 'types is empty; name at least one type.', {
      details: { field: 'types' },
    })
  }
  return types.map(checkType)
}

/** A type and a key, each of its form. Throws `invalid_argument`. */
export function checkKeyParams({ type, key }: { readonly type: string; readonly key: string }): {
  type: string
  key: string
} {
  return { type: checkType(type), key: checkText('key', key, LIMITS.keyBytesMax) }
}

/** A page's bounds. Throws `invalid_argument`. */
export function checkPage<T extends { readonly limit?: number; readonly type?: string }>(params: T): T {
  if (params.limit !== undefined) checkInteger('limit', params.limit, 1, LIMITS.pageItemsMax)
  if (params.type !== undefined) checkType(params.type)
  return params
}
