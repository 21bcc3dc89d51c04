// Sets the theme before anything is painted, so that nothing flashes. A file of its own: the policy of the pages allows no inline
// script. Its rules are those of ../theme.ts.
try {
  const wish = localStorage.getItem('errand.theme')
  if (wish === 'light' || wish === 'dark') document.documentElement.dataset.theme = wish
} catch {
  // Storage is switched off: the system's wish holds.
}
