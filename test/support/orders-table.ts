// The table that `npm start` ends with, read back.

/** One line of it, without the waits. */
export interface OrdersRow {
  readonly enqueued: number
  readonly deduplicated: number
  readonly refused: number
  readonly completed: number
  readonly failed: number
  readonly deadLettered: number
  readonly retried: number
}

const ROW = /^(?<type>[a-z-]+) +(?<counts>\d+(?: +\d+){6}) +(?:\d+ ms|-) +(?:\d+ ms|-)$/gm

/** The lines by type; `all` is their sum. */
export function readOrdersTable(text: string): Map<string, OrdersRow> {
  const rows = [...text.matchAll(ROW)].map(({ groups = {} }): [string, OrdersRow] => {
    const [enqueued = 0, deduplicated = 0, refused = 0, completed = 0, failed = 0, deadLettered = 0, retried = 0] = (
      groups['counts'] ?? ''
    )
      .split(/ +/)
      .map(Number)
    return [groups['type'] ?? '', { enqueued, deduplicated, refused, completed, failed, deadLettered, retried }]
  })
  return new Map(rows)
}
