// Which page an address is, and the address of a page. Filters are in the query, so that a link shows what its sender saw.
// Pure: `navigation.ts` holds the current one.

import { pathBelow } from './base-path.ts'

/** The pages without parameters, in the order of the menu, with the letter that goes there after `g`. */
export const PAGES = [
  { page: 'overview', path: '', title: 'Overview', letter: 'o' },
  { page: 'activities', path: 'activities', title: 'Activities', letter: 'a' },
  { page: 'dead-letters', path: 'dead-letters', title: 'Dead letters', letter: 'd' },
  { page: 'operations', path: 'operations', title: 'Operations', letter: 'p' },
  { page: 'workers', path: 'workers', title: 'Workers', letter: 'w' },
  { page: 'topics', path: 'topics', title: 'Topics', letter: 'k' },
  { page: 'doctor', path: 'doctor', title: 'Doctor', letter: 'h' },
  { page: 'audit', path: 'audit', title: 'Audit', letter: 'u' },
] as const
/** One of {@link PAGES}. */
export type PageName = (typeof PAGES)[number]['page']

/** What an address shows. */
export type Route =
  | { readonly page: PageName; readonly query: Query }
  | { readonly page: 'activity' | 'operation' | 'group'; readonly id: string; readonly query: Query }
  | { readonly page: 'unknown'; readonly path: string; readonly query: Query }

/** Filters, by name. */
export type Query = Readonly<Record<string, string>>

const DETAILS = { activities: 'activity', operations: 'operation', 'dead-letters': 'group' } as const

/** The route of an address. Never throws: what is no page is `unknown`. */
export function parseRoute(base: string, { pathname, search }: Pick<URL, 'pathname' | 'search'>): Route {
  const path = pathBelow(base, pathname)
  const query = Object.fromEntries(new URLSearchParams(search))
  const known = PAGES.find(each => each.path === path)
  if (known !== undefined) return { page: known.page, query }
  const match = path === null ? null : /^(activities|operations|dead-letters)\/([^/]+)$/.exec(path)
  const id = match?.[2] === undefined ? null : decoded(match[2])
  if (match === null || id === null) return { page: 'unknown', path: path ?? pathname, query }
  return { page: DETAILS[match[1] as keyof typeof DETAILS], id, query }
}

/** The address of a page. A filter that is undefined or empty is left out. */
export function hrefOf(base: string, path: string, query: Readonly<Record<string, string | undefined>> = {}): string {
  const said = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined && pair[1] !== '')
  const text = new URLSearchParams(said).toString()
  return base + path + (text === '' ? '' : `?${text}`)
}

/** The path of one activity, operation or group. */
export function detailPath(kind: 'activities' | 'operations' | 'dead-letters', id: string): string {
  return `${kind}/${encodeURIComponent(id)}`
}

/** The page of the menu that a route belongs to. */
export function menuPageOf({ page }: Route): PageName | null {
  if (page === 'unknown') return null
  if (page === 'activity') return 'activities'
  if (page === 'operation') return 'operations'
  return page === 'group' ? 'dead-letters' : page
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null // such as `%zz`, which nobody of ours writes
  }
}
