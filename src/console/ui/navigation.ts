// Where we are: the address bar, as a signal. Links are real links; those that stay within the console are followed without loading
// a page.

import { signal } from '@preact/signals'
import { basePathOf } from './base-path.ts'
import type { Route } from './route.ts'
import { hrefOf, parseRoute } from './route.ts'

/** The path of the console, with a slash at both ends. */
export const base: string = basePathOf(import.meta.url)

/** What is shown. */
export const route = signal<Route>(parseRoute(base, location))

/** The address of a page. */
export function href(path: string, query: Readonly<Record<string, string | undefined>> = {}): string {
  return hrefOf(base, path, query)
}

/** Goes somewhere within the console. `replace`: without a step back to where we were. */
export function go(address: string, { replace = false } = {}): void {
  if (replace) history.replaceState(history.state, '', address)
  else history.pushState({ isOwn: true }, '', address)
  arrive()
  if (!replace) scrollTo(0, 0)
}

/** Back to where we came from within the console; else to `address`. */
export function goBackOr(address: string): void {
  if ((history.state as { isOwn?: boolean } | null)?.isOwn === true) history.back()
  else go(address)
}

/** Changes filters of this page; undefined takes one away. The first page is shown again. */
export function filterBy(filters: Readonly<Record<string, string | undefined>>): void {
  const query = { ...route.value.query, cursor: undefined, ...filters }
  go(hrefOf('', location.pathname, query))
}

/** Follows the address bar and links. Called once. */
export function startNavigation(): void {
  addEventListener('popstate', arrive)
  document.addEventListener('click', event => {
    const link = event.target instanceof Element ? event.target.closest('a') : null
    if (link === null || event.defaultPrevented || event.button !== 0) return
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    if (link.origin !== location.origin || link.target !== '' || link.hash !== '' || link.hasAttribute('download'))
      return
    if (parseRoute(base, link).page === 'unknown' || link.pathname.startsWith(`${base}api/`)) return
    event.preventDefault()
    go(link.pathname + link.search)
  })
}

function arrive(): void {
  route.value = parseRoute(base, location)
}
