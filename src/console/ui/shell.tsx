// What is around every page: where we are, what there is, how live it is, who we are.

import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { Trouble } from './components/states.tsx'
import { EVERYWHERE, isHelpShown, pageShortcuts } from './keyboard.ts'
import { Dialog } from './components/act-dialog.tsx'
import { LivePill } from './components/live-pill.tsx'
import { SearchBox } from './components/search-box.tsx'
import { SignIn } from './components/sign-in.tsx'
import { startLive } from './live.ts'
import { href, route } from './navigation.ts'
import { notice } from './notice.ts'
import { Page } from './pages/page.tsx'
import { menuPageOf, PAGES } from './route.ts'
import { session, sessionProblem, signOut } from './session.ts'
import { switchTheme, theme } from './theme.ts'

/** The whole page. */
export function Shell(): JSX.Element {
  const known = session.value
  const problem = sessionProblem.value
  if (known === null) {
    return (
      <main class="alone">
        <h1>Errand</h1>
        {problem === null ? (
          <p role="status">Asking the console…</p>
        ) : (
          <Trouble problem={problem} sinceMs={null} hasOldData={false} />
        )}
      </main>
    )
  }
  return known.role === null ? <SignIn /> : <Inside />
}

function Inside(): JSX.Element {
  useEffect(() => startLive(), [])
  const current = route.value
  useEffect(() => {
    const menuPage = menuPageOf(current)
    const title = PAGES.find(({ page }) => page === menuPage)?.title ?? 'Errand'
    document.title = 'id' in current ? `${current.id} · ${title} · Errand` : `${title} · Errand`
  }, [current])
  return (
    <>
      <a class="skip" href="#main">
        To the content
      </a>
      <Header />
      <main id="main" tabIndex={-1}>
        <Page route={current} />
      </main>
      <Notice />
      {isHelpShown.value && <Help />}
    </>
  )
}

function Header(): JSX.Element {
  const here = menuPageOf(route.value)
  const { environment, namespace, role, needsToken } = session.value ?? {}
  return (
    <header>
      <div class="top">
        <a class="brand" href={href('')}>
          Errand
        </a>
        {namespace !== null && namespace !== undefined && <span class="namespace">{namespace}</span>}
        {environment !== null && environment !== undefined && <EnvironmentBadge {...environment} />}
        <SearchBox />
        <LivePill />
        {role === 'view' && <span class="role">may look</span>}
        <button type="button" class="quiet" onClick={switchTheme}>
          {theme.value === 'dark' ? 'Light' : 'Dark'}
        </button>
        <button type="button" class="quiet" onClick={() => (isHelpShown.value = true)} aria-label="Help: keys">
          ?
        </button>
        {needsToken === true && (
          <button type="button" class="quiet" onClick={() => void signOut()}>
            Sign out
          </button>
        )}
      </div>
      <nav aria-label="Pages">
        <ul>
          {PAGES.map(({ page, path, title }) => (
            <li key={page}>
              <a href={href(path)} aria-current={page === here ? 'page' : undefined}>
                {title}
              </a>
            </li>
          ))}
        </ul>
      </nav>
    </header>
  )
}

/** Production is red, unless its colour is said. */
function EnvironmentBadge({ name, color }: { readonly name: string; readonly color: string | null }): JSX.Element {
  const mark = color ?? (/^prod/i.test(name) ? 'var(--error)' : 'var(--accent)')
  return (
    <span class="environment" style={{ borderColor: mark }}>
      <span class="environment-mark" style={{ background: mark }} aria-hidden="true" /> {name}
    </span>
  )
}

function Notice(): JSX.Element {
  const said = notice.value
  return (
    <div class="notice" role="status" aria-live="polite">
      {said !== null && (
        <p>
          {said.text} {said.link !== null && <a href={said.link.href}>{said.link.text}</a>}{' '}
          <button type="button" class="quiet" onClick={() => (notice.value = null)} aria-label="Close the notice">
            ✕
          </button>
        </p>
      )}
    </div>
  )
}

function Help(): JSX.Element {
  const close = (): void => {
    isHelpShown.value = false
  }
  const keys = [...pageShortcuts.value.map(({ key, does }) => [key, `${does} (this page)`] as const), ...EVERYWHERE]
  return (
    <Dialog title="Keys" onClose={close}>
      <dl class="keys">
        {keys.map(([key, does]) => (
          <div key={key + does}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <div class="dialog-buttons">
        <button type="button" onClick={close}>
          Close
        </button>
      </div>
    </Dialog>
  )
}
