// `errand config show` and `errand config reference`: what is set, by whom, and what could be.

import { defineCommand } from '../command.ts'
import type { LoadedConfig, Origin } from '../config/load.ts'
import { masked } from '../config/load.ts'
import { settingsReference } from '../config/reference.ts'
import { SETTINGS } from '../config/settings.ts'
import { EXIT_CODES } from '../exit-codes.ts'

interface Shown {
  readonly name: string
  readonly value: unknown
  readonly origin: Origin['kind']
  readonly where: string | null
}

/** `errand config show`. */
export const configShowCommand = defineCommand({
  name: 'config show',
  summary: 'each setting with its value and where it came from; secrets are masked',
  section: 'Begin',
  settings: ['servers', 'topics', 'retention', 'worker', 'http', 'log'],
  isOffline: true,
  options: [],
  hasOutput: true,
  answers: '`{ items: [{ name, value, origin: "flag" | "environment" | "file" | "default", where }] }`.',
  async run({ loaded, output, terminal }) {
    const columns = [
      { head: 'SETTING', text: ({ name }: Shown) => name },
      { head: 'VALUE', text: ({ value }: Shown) => valueText(value) },
      { head: 'FROM', text: ({ origin, where }: Shown) => (where === null ? origin : `${origin} ${where}`) },
    ]
    await output.items(shown(loaded), { columns, empty: 'There are no settings.' })
    for (const name of loaded.unknownVariables) {
      terminal.err(
        `${name} is set, and errand reads no variable of that name; \`errand config reference\` lists them.\n`,
      )
    }
    return EXIT_CODES.ok
  },
})

/** `errand config reference`. */
export const configReferenceCommand = defineCommand({
  name: 'config reference',
  summary: 'all settings with their flags, variables and defaults, as Markdown',
  section: 'Begin',
  async run({ terminal }) {
    await terminal.out(settingsReference())
    return EXIT_CODES.ok
  },
})

function shown({ given, origins }: LoadedConfig): Shown[] {
  return SETTINGS.map(({ name, shownDefault }) => {
    const origin = origins.get(name) ?? { kind: 'default' as const }
    const value = given.has(name) ? masked(name, given.get(name)) : (shownDefault ?? null)
    return { name, value, origin: origin.kind, where: origin.kind === 'default' ? null : origin.where }
  })
}

function valueText(value: unknown): string {
  if (value === null) return '–'
  return typeof value === 'string' ? value : JSON.stringify(value)
}
