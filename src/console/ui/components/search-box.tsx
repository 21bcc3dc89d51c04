// One box for all: an id or a key leads to its activity; a key of several types, and anything else, is searched for.

import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { LookupView } from '../api-types.ts'
import { get } from '../api.ts'
import { go, href } from '../navigation.ts'
import { detailPath } from '../route.ts'

/** The box. */
export function SearchBox(): JSX.Element {
  const [isBusy, setBusy] = useState(false)
  const search = async (form: HTMLFormElement): Promise<void> => {
    const said = new FormData(form).get('text')
    const text = typeof said === 'string' ? said.trim() : ''
    if (text === '') return
    setBusy(true)
    const found = await lookup(text)
    setBusy(false)
    go(found === null ? href('activities', { text }) : href(detailPath('activities', found)))
    if (found !== null) form.reset()
  }
  return (
    <form
      class="search"
      role="search"
      onSubmit={event => {
        event.preventDefault()
        void search(event.currentTarget)
      }}
    >
      <input
        id="search"
        name="text"
        type="search"
        maxLength={200}
        placeholder="id, key or text  ( / )"
        aria-label="Find an activity by id or key, or search for text"
        autocomplete="off"
        spellcheck={false}
        aria-busy={isBusy}
      />
    </form>
  )
}

/** The one id that a text stands for. When there are more, or it cannot be found out, it is searched for. */
async function lookup(text: string): Promise<string | null> {
  try {
    return (await get<LookupView>('lookup', { text }, AbortSignal.timeout(8_000))).id
  } catch {
    return null
  }
}
