// Where the console is mounted: found from the address of its own script, so that it is right under any path and behind any proxy,
// also one that takes a prefix away and tells nobody.
//
//   https://host/ops/errand/assets/main-1a2b.js  ─▶  /ops/errand/

/** The path of the console, with a slash at both ends, from the address of a script in its folder `assets`. */
export function basePathOf(scriptUrl: string): string {
  const { pathname } = new URL(scriptUrl)
  const end = pathname.lastIndexOf('/assets/')
  // A development server gives sources from the root.
  return end === -1 ? '/' : pathname.slice(0, end + 1)
}

/** An address below the base; `path` with or without a slash in front. */
export function below(base: string, path: string): string {
  return base + path.replace(/^\/+/, '')
}

/** The path below the base, without slashes at its ends; null when it is not below it. */
export function pathBelow(base: string, pathname: string): string | null {
  const asked = pathname.endsWith('/') ? pathname : `${pathname}/`
  if (!asked.startsWith(base)) return null
  return asked.slice(base.length).replace(/^\/+|\/+$/g, '')
}
