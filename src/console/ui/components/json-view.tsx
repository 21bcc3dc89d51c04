// JSON to look at: as a tree and as text, with every digit. What came from elsewhere is only ever text.

import type { JSX } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import type { JsonNode } from '../json-text.ts'
import { prettyJson } from '../json-text.ts'
import { counted, countText } from '../time-text.ts'
import { visibleText } from '../visible-text.ts'
import { CopyButton } from './copy-button.tsx'

/** Members shown at once; more on request: a list of 100,000 would stop the page. */
const CHILDREN_AT_ONCE = 100
const OPEN_DEPTH = 2

/** `label`: what it is. */
export function JsonView({ node, label }: { readonly node: JsonNode; readonly label: string }): JSX.Element {
  const [isRaw, setRaw] = useState(false)
  const text = useMemo(() => prettyJson(node), [node])
  return (
    <div class="json">
      <div class="json-bar">
        <button type="button" class="quiet" aria-pressed={!isRaw} onClick={() => setRaw(false)}>
          Tree
        </button>
        <button type="button" class="quiet" aria-pressed={isRaw} onClick={() => setRaw(true)}>
          Raw
        </button>
        <CopyButton text={text} label={label} />
      </div>
      {isRaw ? (
        <pre tabIndex={0} aria-label={label}>
          {text}
        </pre>
      ) : (
        <div class="tree" role="group" aria-label={label}>
          <Value node={node} depth={0} name={null} />
        </div>
      )}
    </div>
  )
}

function Value(props: { readonly node: JsonNode; readonly depth: number; readonly name: string | null }): JSX.Element {
  const { node, depth, name } = props
  const label = name === null ? null : <span class="json-name">{visibleText(name)}: </span>
  if (node.kind !== 'object' && node.kind !== 'array') {
    return (
      <div class="json-leaf">
        {label}
        <span class={`json-${node.kind}`}>{visibleText(node.source)}</span>
      </div>
    )
  }
  return <Branch node={node} depth={depth} label={label} />
}

function Branch(props: {
  readonly node: Extract<JsonNode, { kind: 'object' | 'array' }>
  readonly depth: number
  readonly label: JSX.Element | null
}): JSX.Element {
  const { node, depth, label } = props
  const [isOpen, setOpen] = useState(depth < OPEN_DEPTH)
  const [shown, setShown] = useState(CHILDREN_AT_ONCE)
  const children = childrenOf(node)
  const summary = node.kind === 'object' ? counted(children.length, 'member') : counted(children.length, 'item')
  return (
    <details open={isOpen} onToggle={event => setOpen(event.currentTarget.open)}>
      <summary>
        {label}
        <span class="muted">{`${node.kind === 'object' ? '{}' : '[]'} ${summary}`}</span>
      </summary>
      {isOpen &&
        children
          .slice(0, shown)
          .map(([name, child], at) => <Value key={at} node={child} depth={depth + 1} name={name} />)}
      {isOpen && children.length > shown && (
        <button type="button" class="quiet" onClick={() => setShown(shown + CHILDREN_AT_ONCE)}>
          {`${countText(children.length - shown)} more`}
        </button>
      )}
    </details>
  )
}

function childrenOf(node: Extract<JsonNode, { kind: 'object' | 'array' }>): readonly (readonly [string, JsonNode])[] {
  if (node.kind === 'object') return node.members.map(({ name, value }) => [name, value] as const)
  return node.items.map((item, at) => [String(at), item] as const)
}
