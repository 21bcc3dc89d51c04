// The pages: files of one folder, read whole into memory once, and found by name. What is not in the folder has no name, so no path
// leads out of it.
//
// Links in the pages are relative to the console's base, which lies so many levels above the page that was asked for. That holds
// under any path of any server, and behind a proxy that cuts a path off without saying so.

import { createHash } from 'node:crypto'
import { readFile, readdir, stat } from 'node:fs/promises'
import { extname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { ErrandError } from '../core/errors.ts'
import { CONSOLE_LIMITS } from '../core/limits.ts'
import type { Logger } from '../core/logger.ts'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.txt': 'text/plain; charset=utf-8',
  '.woff2': 'font/woff2',
}
const COMPRESSED = new Set(['.html', '.js', '.css', '.json', '.map', '.svg', '.txt'])
/** A name with a hash of its content: what stands there never changes. */
const HASHED = /^assets\/[^/]{1,100}-[A-Za-z0-9_-]{8}\.[a-z0-9]{1,8}$/
const INDEX = 'index.html'

interface Asset {
  readonly type: string
  readonly bytes: Buffer
  readonly zipped: Buffer | null
  readonly etag: string
  readonly isImmutable: boolean
}

/** Serves the pages. */
export class Assets {
  readonly #folder: string
  readonly #logger: Logger
  #loading: Promise<ReadonlyMap<string, Asset>> | null = null

  /** `folder`: null for the package's own. */
  constructor(folder: string | null, logger: Logger) {
    this.#folder = folder ?? ownFolder()
    this.#logger = logger
  }

  /**
   * What stands at a path below the base (without a slash in front): a file, or the page for every path that may be one.
   * Null: there is no such file.
   */
  async answer(path: string, request: Request): Promise<Response | null> {
    const files = await this.#files()
    const file = files.get(path)
    if (file !== undefined && path !== INDEX) return fileResponse(file, request)
    if (path.startsWith('assets/')) return null
    const index = files.get(INDEX)
    return index === undefined ? notBuilt() : pageResponse(index, path)
  }

  async #files(): Promise<ReadonlyMap<string, Asset>> {
    this.#loading ??= readFolder(this.#folder)
    try {
      const files = await this.#loading
      // Built later: looked for again.
      if (!files.has(INDEX)) this.#loading = null
      return files
    } catch (error) {
      this.#loading = null
      this.#logger.error('the pages cannot be read', { folder: this.#folder, error: String(error) })
      return new Map()
    }
  }
}

/** In the package beside this file; in a checkout, where only sources stand here, in `dist`. */
function ownFolder(): string {
  const isBuilt = import.meta.url.endsWith('.js')
  return fileURLToPath(new URL(isBuilt ? './ui/' : '../../dist/console/ui/', import.meta.url))
}

async function readFolder(folder: string): Promise<ReadonlyMap<string, Asset>> {
  const isThere = await stat(folder).then(
    found => found.isDirectory(),
    () => false,
  )
  if (!isThere) return new Map()
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter(entry => entry.isFile()) // no links: they could lead anywhere
  if (files.length > CONSOLE_LIMITS.assetFilesMax) throw tooMuch(folder)
  const assets = new Map<string, Asset>()
  let bytes = 0
  for (const { parentPath, name } of files) {
    const path = join(parentPath, name)
    const shown = path.slice(join(folder, sep).length).split(sep).join('/')
    const asset = await readAsset(path, HASHED.test(shown))
    bytes += asset.bytes.byteLength
    if (bytes > CONSOLE_LIMITS.assetBytesMax) throw tooMuch(folder)
    assets.set(shown, asset)
  }
  return assets
}

async function readAsset(path: string, isImmutable: boolean): Promise<Asset> {
  const bytes = await readFile(path)
  const extension = extname(path).toLowerCase()
  return {
    type: TYPES[extension] ?? 'application/octet-stream',
    bytes,
    zipped: COMPRESSED.has(extension) && bytes.byteLength > 1_024 ? await promisify(gzip)(bytes) : null,
    etag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`,
    isImmutable,
  }
}

function fileResponse({ type, bytes, zipped, etag, isImmutable }: Asset, request: Request): Response {
  const headers: Record<string, string> = {
    ...{ etag, 'content-type': type, vary: 'accept-encoding' },
    'cache-control': isImmutable ? 'public, max-age=31536000, immutable' : 'no-cache',
  }
  if (type.startsWith('text/html')) headers['cache-control'] = 'no-store'
  if (request.headers.get('if-none-match') === etag) return new Response(null, { status: 304, headers })
  const takesGzip = zipped !== null && /\bgzip\b/.test(request.headers.get('accept-encoding') ?? '')
  if (takesGzip) headers['content-encoding'] = 'gzip'
  return new Response(new Uint8Array(takesGzip ? zipped : bytes), { headers })
}

/** The page for a path: `="./` in it leads to the base from there. */
function pageResponse({ type, bytes }: Asset, path: string): Response {
  const levels = path.split('/').length - 1
  const base = levels === 0 ? './' : '../'.repeat(levels)
  const html = bytes.toString('utf8').replaceAll('="./', `="${base}`)
  return new Response(html, { headers: { 'content-type': type, 'cache-control': 'no-store' } })
}

function notBuilt(): Response {
  const html = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Errand: the pages are not built</title>
<h1>The pages are not built</h1>
<p>This is a source checkout, and its console has no pages yet. Run</p>
<pre>npm run build</pre>
<p>and load this page again. The API is there already: <a href="./api/openapi.json">api/openapi.json</a>.</p>
</html>
`
  return new Response(html, { status: 503, headers: { 'content-type': 'text/html; charset=utf-8' } })
}

function tooMuch(folder: string): ErrandError {
  return new ErrandError('configuration', `${folder} holds too much for the pages of a console.`, {
    details: { setting: 'assetsFolder' },
  })
}
