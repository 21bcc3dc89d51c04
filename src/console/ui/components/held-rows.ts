// Rows that hold still while somebody points at them, has the focus in them, or has chosen some.

import { useRef, useState } from 'preact/hooks'
import type { Row } from '../row-merge.ts'
import { mergeRows } from '../row-merge.ts'

/** What a list needs to hold still. */
export interface HeldRows<T> {
  readonly rows: readonly Row<T>[]
  /** New ones that wait to be asked for. */
  readonly waiting: number
  showNew(): void
  /** For the element around the list. */
  readonly handlers: {
    onPointerEnter(): void
    onPointerLeave(): void
    onFocusIn(): void
    onFocusOut(): void
  }
}

/** `key`: of the question; another question is another list. */
export function useHeldRows<T extends { readonly id: string }>(
  key: string,
  fetched: readonly T[],
  hasSelection: boolean,
): HeldRows<T> {
  const [isPointedAt, setPointedAt] = useState(false)
  const [isFocused, setFocused] = useState(false)
  const [, redraw] = useState(0)
  const shown = useRef<{ key: string; rows: readonly Row<T>[] }>({ key, rows: [] })
  if (shown.current.key !== key) shown.current = { key, rows: [] }
  const { rows, waiting } = mergeRows(shown.current.rows, fetched, isPointedAt || isFocused || hasSelection)
  shown.current.rows = rows
  return {
    rows,
    waiting,
    showNew() {
      shown.current.rows = []
      redraw(count => count + 1)
    },
    handlers: {
      onPointerEnter: () => setPointedAt(true),
      onPointerLeave: () => setPointedAt(false),
      onFocusIn: () => setFocused(true),
      onFocusOut: () => setFocused(false),
    },
  }
}
