// Links to what has a page of its own.

import type { JSX } from 'preact'
import { href } from '../navigation.ts'
import { detailPath } from '../route.ts'

/** An id in short: its end, which differs most; whole on hover. */
export function shortId(id: string): string {
  return id.length <= 13 ? id : `…${id.slice(-12)}`
}

/** To an activity. `isRow`: the link that stands for its row. */
export function ActivityLink(props: {
  readonly id: string
  readonly isRow?: boolean
  readonly isWhole?: boolean
}): JSX.Element {
  const { id, isRow = false, isWhole = false } = props
  return (
    <a class={isRow ? 'row-link id' : 'id'} href={href(detailPath('activities', id))} title={id}>
      {isWhole ? id : shortId(id)}
    </a>
  )
}

/** To an operation. */
export function OperationLink({ id, isRow = false }: { readonly id: string; readonly isRow?: boolean }): JSX.Element {
  return (
    <a class={isRow ? 'row-link id' : 'id'} href={href(detailPath('operations', id))} title={id}>
      {shortId(id)}
    </a>
  )
}
