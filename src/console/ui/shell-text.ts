// What can be copied: the same act as a command line, and as code. Everything that came from elsewhere is quoted. Pure.

/** A word for a POSIX shell. */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9._:=@%+,/-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}

/** A command line; words are quoted where they have to be. */
export function shellLine(...words: readonly string[]): string {
  return words.map(shellWord).join(' ')
}

/** What an activity is enqueued with. */
export interface Enqueueable {
  readonly type: string
  readonly priority: string
  readonly key: string | null
  /** Null: it is not there any more. */
  readonly payloadText: string | null
}

/** Enqueues the same again, by the command line. */
export function enqueueLine({ type, priority, key, payloadText }: Enqueueable): string {
  const priorityWords = priority === 'normal' ? [] : ['--priority', priority]
  return shellLine(
    'errand',
    'enqueue',
    type,
    payloadText ?? '{}',
    ...(key === null ? [] : ['--key', key]),
    ...priorityWords,
  )
}

/** Enqueues the same again, by code. */
export function enqueueCode({ type, priority, key, payloadText }: Enqueueable): string {
  const options = [
    ...(key === null ? [] : [`key: ${JSON.stringify(key)}`]),
    ...(priority === 'normal' ? [] : [`priority: ${JSON.stringify(priority)}`]),
  ]
  const name = variableOf(type)
  return [
    "import { Client, defineActivity } from 'errand'",
    '',
    `const ${name} = defineActivity({ type: ${JSON.stringify(type)}, input: /* its schema */ })`,
    `await client.enqueue(${name}, ${payloadText ?? '{}'}${options.length === 0 ? '' : `, { ${options.join(', ')} }`})`,
  ].join('\n')
}

/** `send-invoice` → `sendInvoice`. */
export function variableOf(type: string): string {
  const name = type.replaceAll(/[^A-Za-z0-9]+(.)?/g, (_, next: string | undefined) => next?.toUpperCase() ?? '')
  return /^[A-Za-z]/.test(name) ? name : 'activity'
}
