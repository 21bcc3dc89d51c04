// The Dockerfile, taken apart, and what it has to keep to.

import { posix } from 'node:path'

/** One instruction, continuation lines joined. */
export interface Instruction {
  /** In upper case. */
  readonly name: string
  readonly text: string
}

/** What the Dockerfile is compared with. */
export interface ImageFacts {
  /** The Node that the repository runs its tests with. */
  readonly nodeVersion: string
  /** Where probes and figures are served unless told otherwise. */
  readonly httpPort: string
  /** Files that are in the build's context. */
  readonly isInContext: (path: string) => boolean
}

/** The instructions of a Dockerfile, without comments. */
export function instructionsOf(dockerfile: string): Instruction[] {
  const lines = dockerfile
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .map(line => line.trim())
  return lines
    .filter(line => line !== '' && !line.startsWith('#'))
    .map(line => {
      const [, name = '', text = ''] = /^(\S+)\s+(.*)$/.exec(line) ?? []
      return { name: name.toUpperCase(), text }
    })
}

/** What is wrong with a Dockerfile. */
export function dockerfileProblems(dockerfile: string, facts: ImageFacts): string[] {
  const all = instructionsOf(dockerfile)
  const last = all.slice(all.findLastIndex(({ name }) => name === 'FROM'))
  return [
    ...stageProblems(all, facts),
    ...runtimeProblems(last, facts),
    ...all.flatMap(instruction => contentProblems(instruction, facts)),
    ...installProblems(all),
  ]
}

function stageProblems(all: readonly Instruction[], { nodeVersion }: ImageFacts): string[] {
  const images = all.filter(({ name }) => name === 'FROM').map(({ text }) => text.split(/\s+/)[0] ?? '')
  return [
    ...(images.length > 1 ? [] : ['stages: what builds is shipped too']),
    ...images.flatMap(image =>
      image.startsWith(`node:${nodeVersion}-`)
        ? []
        : [`base: ${image} is not node:${nodeVersion}, which the tests run with`],
    ),
  ]
}

function runtimeProblems(last: readonly Instruction[], { httpPort }: ImageFacts): string[] {
  const textsOf = (name: string): string[] => last.filter(one => one.name === name).map(({ text }) => text)
  const [user = ''] = textsOf('USER').slice(-1)
  const [entrypoint = ''] = textsOf('ENTRYPOINT').slice(-1)
  const isNumber = /^[1-9]\d*(?::[1-9]\d*)?$/.test(user)
  const isLast = last.findLastIndex(({ name }) => name === 'RUN') < last.findIndex(({ name }) => name === 'USER')
  return [
    ...(isNumber ? [] : [`user: ${user === '' ? 'root' : user} is not a number of somebody else than root`]),
    ...(isLast ? [] : ['user: something is run as the user, whose files it could change']),
    ...(/^\["node", ".*\/dist\/cli\/main\.js"\]$/.test(entrypoint) ? [] : [`entrypoint: ${entrypoint || 'none'}`]),
    ...(textsOf('EXPOSE').includes(httpPort) ? [] : [`port: ${httpPort} is not exposed`]),
    ...(textsOf('ENV').some(text => text.includes('NODE_ENV=production')) ? [] : ['env: NODE_ENV is not production']),
  ]
}

function contentProblems({ name, text }: Instruction, { isInContext }: ImageFacts): string[] {
  if (name === 'ADD') return [`content: ADD ${text} takes more than files`]
  if (/^(?:ARG|ENV)$/.test(name) && /password|secret|token|credential/i.test(text)) return [`secret: ${name} ${text}`]
  if (name !== 'COPY' || text.startsWith('--from=')) return []
  const sources = text.split(/\s+/).slice(0, -1)
  return sources.flatMap(source => {
    const path = posix.normalize(source)
    if (path === '.' || path === './') return ['content: COPY of everything']
    return isInContext(path.replace(/\/$/, '')) ? [] : [`content: ${source} is not in the context`]
  })
}

function installProblems(all: readonly Instruction[]): string[] {
  const installs = all.filter(({ name, text }) => name === 'RUN' && /\bnpm (?:ci|install|i)\b/.test(text))
  return [
    ...installs
      .filter(({ text }) => !/\bnpm ci\b/.test(text))
      .map(({ text }) => `install: ${text} is not what the lock says`),
    ...(installs.some(({ text }) => text.includes('--omit=dev'))
      ? []
      : ['install: packages for development are shipped']),
  ]
}
