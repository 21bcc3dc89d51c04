// A table of things with ids: real rows and headers, rows that can be chosen, and that hold still while somebody points at them.

import type { ComponentChildren, JSX } from 'preact'
import { counted } from '../time-text.ts'
import { useHeldRows } from './held-rows.ts'

/** A column. */
export interface Column<T> {
  readonly title: string
  readonly isNumber?: boolean
  readonly cell: (item: T) => ComponentChildren
}

/** Chosen rows. */
export interface Selection {
  readonly ids: ReadonlySet<string>
  change(ids: ReadonlySet<string>): void
}

/** Props of {@link RowTable}. */
export interface RowTableProps<T> {
  /** What is asked for: another key is another list. */
  readonly listKey: string
  readonly caption: string
  readonly items: readonly T[]
  readonly columns: readonly Column<T>[]
  /** Left out: rows cannot be chosen. */
  readonly selection?: Selection | undefined
}

/** The table. The first column holds the row's link. */
export function RowTable<T extends { readonly id: string }>(props: RowTableProps<T>): JSX.Element {
  const { listKey, caption, items, columns, selection } = props
  const held = useHeldRows(listKey, items, (selection?.ids.size ?? 0) > 0)
  return (
    <div class="row-table" {...held.handlers}>
      <p class="new-rows" role="status">
        {held.waiting > 0 && (
          <button type="button" onClick={() => held.showNew()}>
            {counted(held.waiting, 'new row')}: show
          </button>
        )}
      </p>
      <div class="scroll" tabIndex={0} role="group" aria-label={caption}>
        <table>
          <caption class="off-screen">{caption}</caption>
          <thead>
            <tr>
              {selection !== undefined && <AllBox selection={selection} items={items} />}
              {columns.map(({ title, isNumber }) => (
                <th key={title} scope="col" class={isNumber === true ? 'number' : ''}>
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {held.rows.map(({ item, isGone }) => (
              <tr key={item.id} class={isGone ? 'gone' : ''} title={isGone ? 'no longer in this list' : undefined}>
                {selection !== undefined && (
                  <td class="choose">
                    <RowBox selection={selection} id={item.id} />
                  </td>
                )}
                {columns.map(({ title, isNumber, cell }) => (
                  <td key={title} class={isNumber === true ? 'number' : ''}>
                    {cell(item)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  )
}

function RowBox({ selection, id }: { readonly selection: Selection; readonly id: string }): JSX.Element {
  const toggle = (): void => {
    const ids = new Set(selection.ids)
    if (!ids.delete(id)) ids.add(id)
    selection.change(ids)
  }
  return <input type="checkbox" aria-label={`Select ${id}`} checked={selection.ids.has(id)} onChange={toggle} />
}

function AllBox(props: {
  readonly selection: Selection
  readonly items: readonly { readonly id: string }[]
}): JSX.Element {
  const { selection, items } = props
  const areAll = items.length > 0 && items.every(({ id }) => selection.ids.has(id))
  const toggle = (): void => selection.change(new Set(areAll ? [] : items.map(({ id }) => id)))
  return (
    <th scope="col" class="choose">
      <input type="checkbox" aria-label="Select all rows of this page" checked={areAll} onChange={toggle} />
    </th>
  )
}

/** To the next page and back to the first. `cursor`: of the next; null when this is the last. */
export function Pager(props: {
  readonly cursor: string | null
  readonly isFirst: boolean
  readonly go: (cursor: string | undefined) => void
}): JSX.Element | null {
  const { cursor, isFirst, go } = props
  if (isFirst && cursor === null) return null
  return (
    <nav class="pager" aria-label="Pages of the list">
      {!isFirst && (
        <button type="button" onClick={() => go(undefined)}>
          Newest
        </button>
      )}
      {cursor !== null && (
        <button type="button" onClick={() => go(cursor)}>
          Older
        </button>
      )}
    </nav>
  )
}
