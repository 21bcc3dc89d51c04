// The keyboard: `/` search, `j k` rows, `x` select, Enter open, Esc back, `g` and a letter for pages; pages add `r`, `c`, `e`.
// Nothing happens while somebody types, holds a modifier, or looks at a dialog.

import { useEffect } from 'preact/hooks'
import { signal } from '@preact/signals'
import { go, goBackOr, href, route } from './navigation.ts'
import { menuPageOf, PAGES } from './route.ts'
import { switchTheme } from './theme.ts'

/** What a page adds: a key, and what it does in words. */
export interface Shortcut {
  readonly key: string
  readonly does: string
  act(): void
}

/** What the page that is shown adds. */
export const pageShortcuts = signal<readonly Shortcut[]>([])
/** Whether help is shown. */
export const isHelpShown = signal(false)

/** Keys that work everywhere, for the help. */
export const EVERYWHERE: readonly (readonly [keys: string, does: string])[] = [
  ['/', 'search'],
  ['j k', 'next and previous row'],
  ['x', 'select the row'],
  ['Enter', 'open the row'],
  ['Esc', 'back'],
  ...PAGES.map(({ letter, title }) => [`g ${letter}`, title] as const),
  ['t', 'light or dark'],
  ['?', 'this help'],
]

const SEQUENCE_MS = 1_500
let afterG = 0

/** Adds keys while a component is shown. */
export function useShortcuts(shortcuts: readonly Shortcut[]): void {
  useEffect(() => {
    pageShortcuts.value = shortcuts
    return () => {
      if (pageShortcuts.peek() === shortcuts) pageShortcuts.value = []
    }
  })
}

/** Listens. Called once. */
export function startKeyboard(): void {
  document.addEventListener('keydown', event => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return
    if (document.querySelector('dialog[open]') !== null) return
    if (isTyping(event.target)) {
      if (event.key === 'Escape' && event.target instanceof HTMLElement) event.target.blur()
      return
    }
    if (handle(event.key)) event.preventDefault()
  })
}

function handle(key: string): boolean {
  const isAfterG = performance.now() < afterG
  afterG = 0
  const page = isAfterG ? PAGES.find(({ letter }) => letter === key) : undefined
  if (page !== undefined) {
    go(href(page.path))
    return true
  }
  const own = pageShortcuts.peek().find(shortcut => shortcut.key === key)
  if (own !== undefined) {
    own.act()
    return true
  }
  return handleEverywhere(key)
}

function handleEverywhere(key: string): boolean {
  switch (key) {
    case 'g':
      afterG = performance.now() + SEQUENCE_MS
      return true
    case '/':
      document.querySelector<HTMLInputElement>('#search')?.focus()
      return true
    case 'j':
      return moveRow(1)
    case 'k':
      return moveRow(-1)
    case 'x':
      return toggleRow()
    case 't':
      switchTheme()
      return true
    case '?':
      isHelpShown.value = true
      return true
    case 'Escape':
      return goBack()
    default:
      return false
  }
}

/** Up, to the list that a detail belongs to. */
function goBack(): boolean {
  const { page } = route.peek()
  const menuPage = menuPageOf(route.peek())
  if (menuPage === page || menuPage === null) return false
  goBackOr(href(PAGES.find(each => each.page === menuPage)?.path ?? ''))
  return true
}

function moveRow(by: 1 | -1): boolean {
  const links = [...document.querySelectorAll<HTMLElement>('main .row-link')]
  const row = document.activeElement?.closest('tr')
  const at = links.findIndex(link => row !== null && row !== undefined && row.contains(link))
  const next = links[at === -1 ? (by === 1 ? 0 : links.length - 1) : at + by]
  next?.focus()
  next?.scrollIntoView({ block: 'nearest' })
  return next !== undefined
}

function toggleRow(): boolean {
  const box = document.activeElement?.closest('tr')?.querySelector<HTMLInputElement>('input[type=checkbox]')
  box?.click()
  return box !== null && box !== undefined
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  if (target instanceof HTMLInputElement) return target.type !== 'checkbox'
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || target.isContentEditable
}
