// When a topic's setting does what Errand needs: not only when it is the one that Errand would choose. Who keeps outcomes for
// longer, or takes larger records, has a reason; who plans topics and who judges them must agree on that.

/** `at_least`: -1 is without end. `at_most`: less is as good. `plain`: anything that a client without codecs can read. */
const MEASURES: Readonly<Record<string, 'at_least' | 'at_most' | 'plain' | undefined>> = {
  'retention.ms': 'at_least',
  'retention.bytes': 'at_least',
  'max.message.bytes': 'at_least',
  'delete.retention.ms': 'at_least',
  'segment.ms': 'at_most',
  'min.cleanable.dirty.ratio': 'at_most',
  'compression.type': 'plain',
}

/** True when `have` does as well as `wanted` for this setting of a topic. Names and texts are Kafka's. */
export function isSettingEnough(name: string, wanted: string, have: string | undefined): boolean {
  if (have === undefined) return false
  if (have === wanted) return true
  switch (MEASURES[name]) {
    case 'at_least':
      return amount(have) >= amount(wanted)
    case 'at_most':
      return amount(have) >= 0 && amount(have) <= amount(wanted)
    case 'plain':
      return have === 'gzip'
    case undefined: // it must be as it is wanted
      return false
  }
}

/** Settings of a topic that do not do what is wanted, by name. */
export function unfitSettings(
  wanted: Readonly<Record<string, string>>,
  have: Readonly<Record<string, string>>,
): string[] {
  return Object.keys(wanted).filter(name => !isSettingEnough(name, wanted[name] ?? '', have[name]))
}

function amount(text: string): number {
  const value = Number(text)
  return value === -1 ? Number.POSITIVE_INFINITY : value
}
