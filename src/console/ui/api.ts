// The one place that asks the server. What goes wrong is a problem with a code, a text and the address that was tried.

import { below } from './base-path.ts'
import { base } from './navigation.ts'

/** What went wrong. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem'
  /** HTTP's; 0: the server was not reached. */
  readonly status: number
  readonly code: string
  readonly field: string | null
  /** The address that was tried. */
  readonly address: string

  /** Asking again the same would get the same: what was asked for is wrong, or not there. */
  get isFinal(): boolean {
    return this.status >= 400 && this.status < 500 && this.status !== 401 && this.status !== 429
  }

  constructor(facts: { status: number; code: string; message: string; field?: string | null; address: string }) {
    super(facts.message)
    this.status = facts.status
    this.code = facts.code
    this.field = facts.field ?? null
    this.address = facts.address
  }
}

/** Filters of a request; what is undefined, null or empty is left out. */
export type Asked = Readonly<Record<string, string | number | null | undefined>>

/** The address of a route of the API. */
export function apiAddress(path: string, asked: Asked = {}): string {
  const said = Object.entries(asked).flatMap(([name, value]) =>
    value === undefined || value === null || value === '' ? [] : [[name, String(value)]],
  )
  const query = new URLSearchParams(said).toString()
  return below(base, `api/${path}`) + (query === '' ? '' : `?${query}`)
}

/** An answer as text: numbers in it have all their digits. Throws {@link ApiProblem}. */
export async function getText(path: string, asked: Asked, signal: AbortSignal): Promise<string> {
  return send(apiAddress(path, asked), { headers: { accept: 'application/json' }, signal })
}

/** An answer. Throws {@link ApiProblem}. */
export async function get<T>(path: string, asked: Asked, signal: AbortSignal): Promise<T> {
  return JSON.parse(await getText(path, asked, signal)) as T
}

/** Asks for a change; `body` is JSON text, sent as it is. Throws {@link ApiProblem}. */
export async function change<T>(method: 'POST' | 'DELETE', path: string, body: string, requestId: string): Promise<T> {
  const headers = { accept: 'application/json', 'content-type': 'application/json', 'x-errand-request': requestId }
  return JSON.parse(await send(apiAddress(path), { method, body, headers })) as T
}

/** Called when an answer says that nobody is signed in any more. */
export const signedOut: { listener: () => void } = { listener: () => {} }

async function send(address: string, init: RequestInit): Promise<string> {
  const shown = new URL(address, location.href).href
  let response: Response
  let text: string
  try {
    response = await fetch(address, { ...init, credentials: 'same-origin', cache: 'no-store' })
    text = await response.text()
  } catch (error) {
    if (init.signal?.aborted === true) throw error
    throw new ApiProblem({ status: 0, code: 'unreachable', message: 'the console does not answer', address: shown })
  }
  if (response.ok) return text
  const problem = problemOf(response, text, shown)
  if (problem.status === 401) signedOut.listener()
  throw problem
}

function problemOf({ status, statusText }: Response, text: string, address: string): ApiProblem {
  try {
    const { error } = JSON.parse(text) as { error: { code: string; message: string; field?: string } }
    return new ApiProblem({ ...error, status, address })
  } catch {
    // Not ours: a proxy in between, most often.
    const message = `the answer was ${status} ${statusText}, and not the console's`
    return new ApiProblem({ status, code: 'unexpected', message, address })
  }
}
