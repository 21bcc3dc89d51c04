// Who we are here, and what the console is for: asked once, and again after signing in or out.

import { computed, signal } from '@preact/signals'
import type { SessionView } from './api-types.ts'
import { ApiProblem, change, get, signedOut } from './api.ts'
import { learnTime } from './now.ts'
import { newRequestId } from './request-id.ts'

/** Who we are; null: not known yet. */
export const session = signal<SessionView | null>(null)
/** Why that is not known. */
export const sessionProblem = signal<ApiProblem | null>(null)
/** Whether we may change things. */
export const canAct = computed(() => session.value?.role === 'act')

const RETRY_MS = 3_000

/** Asks who we are, until there is an answer. */
export async function loadSession(): Promise<void> {
  try {
    take(await get<SessionView>('session', {}, new AbortController().signal))
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error
    sessionProblem.value = error
    setTimeout(() => void loadSession(), RETRY_MS)
  }
}

/** Shows a token. Throws {@link ApiProblem}. */
export async function signIn(token: string): Promise<void> {
  take(await change<SessionView>('POST', 'session', JSON.stringify({ token }), newRequestId(Date.now())))
}

/** Forgets who we are. Throws {@link ApiProblem}. */
export async function signOut(): Promise<void> {
  take(await change<SessionView>('DELETE', 'session', '{}', newRequestId(Date.now())))
}

/** Called once. */
export function startSession(): void {
  signedOut.listener = () => {
    if (session.value !== null && session.value.role !== null) session.value = { ...session.value, role: null }
  }
  void loadSession()
}

function take(view: SessionView): void {
  session.value = view
  sessionProblem.value = null
  learnTime(view.nowMs)
}
