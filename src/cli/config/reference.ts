// The reference of all settings, made from their schema. `errand config reference` prints it, and the page under
// docs/reference is this text.

import { SETTINGS } from './settings.ts'

/** All settings as a table in Markdown. */
export function settingsReference(): string {
  const rows = SETTINGS.map(({ name, flag, env, shownDefault, help, isSwitch, value }) => {
    const shownFlag = flag === undefined ? '–' : `\`--${flag}${isSwitch === true ? '' : ` <${value ?? 'value'}>`}\``
    return `| \`${name}\` | ${shownFlag} | \`${env}\` | ${shownDefault ?? '–'} | ${help} |`
  })
  return ['| setting | flag | variable | default | what it is |', '|---|---|---|---|---|', ...rows].join('\n')
}
