// Asks for a token. It is sent once, in a body; from then on there is a cookie that scripts cannot read.

import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { ApiProblem } from '../api.ts'
import { session, signIn } from '../session.ts'

/** The page. */
export function SignIn(): JSX.Element {
  const [problem, setProblem] = useState<string | null>(null)
  const [token, setToken] = useState('')
  const name = session.value?.environment?.name
  const submit = (): void => {
    setProblem(null)
    signIn(token.trim()).catch((error: unknown) => {
      setProblem(error instanceof ApiProblem ? error.message : String(error))
      setToken('')
    })
  }
  return (
    <main class="alone">
      <h1>Errand{name === undefined ? '' : ` · ${name}`}</h1>
      <form
        class="sign-in"
        onSubmit={event => {
          event.preventDefault()
          submit()
        }}
      >
        <label for="token">Token</label>
        <input
          id="token"
          type="password"
          autocomplete="current-password"
          required
          value={token}
          onInput={event => setToken(event.currentTarget.value)}
        />
        {problem !== null && (
          <p class="problem" role="alert">
            {problem}
          </p>
        )}
        <button type="submit" class="primary">
          Sign in
        </button>
        <p class="muted">
          Whoever runs the console has it: the file behind <code>--console-view-token-file</code> or{' '}
          <code>--console-act-token-file</code>.
        </p>
      </form>
    </main>
  )
}
