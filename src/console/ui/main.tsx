// The console's pages: begins everything, once.

import { render } from 'preact'
import { startKeyboard } from './keyboard.ts'
import { startNavigation } from './navigation.ts'
import { startTicking } from './now.ts'
import { startSession } from './session.ts'
import { Shell } from './shell.tsx'
import { startTheme } from './theme.ts'

// Its address is relative to the page, which is another one after the first step.
const icon = document.querySelector<HTMLLinkElement>('link[rel=icon]')
icon?.setAttribute('href', icon.href)
startTheme()
startTicking()
startNavigation()
startKeyboard()
startSession()
const place = document.querySelector('#app')
if (place !== null) {
  place.replaceChildren()
  render(<Shell />, place)
}
