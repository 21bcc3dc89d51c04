// Light or dark: the system's wish, or what was chosen. `public/theme-boot.js` does the same before anything is painted.

import { computed, signal } from '@preact/signals'

const KEY = 'errand.theme'
const darkWish = matchMedia('(prefers-color-scheme: dark)')
const systemIsDark = signal(darkWish.matches)
const chosen = signal<'light' | 'dark' | null>(kept())

/** What is shown. */
export const theme = computed<'light' | 'dark'>(() => chosen.value ?? (systemIsDark.value ? 'dark' : 'light'))

/** Follows the system's wish. Called once. */
export function startTheme(): void {
  darkWish.addEventListener('change', ({ matches }) => (systemIsDark.value = matches))
}

/** The other one. Going back to what the system wishes follows the system again. */
export function switchTheme(): void {
  const next = theme.value === 'dark' ? 'light' : 'dark'
  chosen.value = next === (systemIsDark.value ? 'dark' : 'light') ? null : next
  if (chosen.value === null) delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = chosen.value
  try {
    if (chosen.value === null) localStorage.removeItem(KEY)
    else localStorage.setItem(KEY, chosen.value)
  } catch {
    // Storage is switched off: the choice lasts as long as the page.
  }
}

function kept(): 'light' | 'dark' | null {
  const { theme: set } = document.documentElement.dataset
  return set === 'light' || set === 'dark' ? set : null
}
