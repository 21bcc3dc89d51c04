// `errand doctor`: looks at Kafka, Redis, clocks and settings, and says of each thing that is wrong how to mend it. With
// `--probe` it asks the process of this machine instead, for health checks of containers that have no curl.

import { saidBy } from '../../core/errors.ts'
import type { DeploymentFacts } from '../../core/deployment-facts.ts'
import { diagnose, verdictOf } from '../../doctor/diagnosis.ts'
import type { Verdict } from '../../doctor/diagnosis.ts'
import { counted, SEVERITIES } from '../../doctor/finding.ts'
import type { Finding, Severity } from '../../doctor/finding.ts'
import type { Invocation } from '../command.ts'
import { defineCommand } from '../command.ts'
import { storageOptions } from '../config/storage-options.ts'
import type { ExitCode } from '../exit-codes.ts'
import { EXIT_CODES } from '../exit-codes.ts'
import type { Output } from '../output/output.ts'
import { plain } from '../output/table.ts'
import { TYPES_OPTION } from '../types-option.ts'

const PROBES = { live: '/livez', ready: '/readyz' } as const
type Probe = keyof typeof PROBES

/** A health endpoint that takes longer is not well. */
const PROBE_MS_MAX = 3_000
const ANSWER_CHARS_MAX = 500

interface DoctorOptions {
  readonly types?: readonly string[]
  readonly probe?: Probe
}

/** What JSON shows. */
interface Report {
  readonly verdict: Verdict
  readonly findings: readonly Finding[]
  /** What nobody could look at, with the reason. */
  readonly notChecked: readonly { readonly what: string; readonly why: string }[]
}

const EXITS: Readonly<Record<Verdict, ExitCode>> = {
  well: EXIT_CODES.ok,
  problems: EXIT_CODES.problems,
  unreachable: EXIT_CODES.unreachable,
}

/** The command. */
export const doctorCommand = defineCommand<DoctorOptions>({
  name: 'doctor',
  summary: 'look at Kafka, Redis, clocks and settings, and say what to mend',
  description: `Each finding comes with its fix. Nothing is written. Exit code 7 when there are errors or warnings, 5 when a server does not
answer; notes alone are well. docs/operating/doctor.md lists all findings.

--probe live|ready asks the process that runs on this machine (http.host, http.port) for /livez or /readyz instead, and says
nothing when it is well: a health check for containers.`,
  section: 'Begin',
  settings: ['servers', 'topics', 'retention', 'worker', 'http'],
  options: [
    TYPES_OPTION,
    { flags: '--probe <what>', help: 'ask the process of this machine', choices: ['live', 'ready'] },
  ],
  hasOutput: true,
  answers: `\`{ verdict: "well" | "problems" | "unreachable", findings: [{ id, severity, source, subject, says, fix }], notChecked: [{ what, why }] }\`;
jsonl has a finding in each line.`,
  exits: 'errors or warnings: 7; Kafka or Redis does not answer: 5; only notes, or nothing: 0',
  examples: ['errand doctor', 'errand doctor --types mail,orders --json', 'errand doctor --probe ready'],
  async run(call, { types, probe }) {
    if (probe !== undefined) return runProbe(call, probe)
    const facts = await lookAround(call, types)
    const findings = diagnose(facts)
    const report: Report = { verdict: verdictOf(findings), findings, notChecked: notChecked(facts) }
    await answer(call.output, report)
    return EXITS[report.verdict]
  },
})

async function lookAround(
  { config, loaded, logger }: Invocation,
  types: readonly string[] | undefined,
): Promise<DeploymentFacts> {
  const { gatherFacts } = await import('../../storage/kafka/index.ts')
  const { partitions, ...options } = storageOptions(config, logger, false)
  return gatherFacts({
    ...options,
    leaseMs: config.worker.lease,
    graceMs: config.worker.grace,
    ...(types === undefined ? {} : { types }),
    // Only when somebody asked for it: the default is no wish.
    ...(partitions === undefined || !loaded.given.has('topics.partitions') ? {} : { partitions }),
  })
}

/** What is a finding of its own is not said twice. */
function notChecked({ unseen }: DeploymentFacts): Report['notChecked'] {
  return unseen.filter(({ kind }) => kind === 'untold').map(({ what, says }) => ({ what, why: says }))
}

async function answer(output: Output, report: Report): Promise<void> {
  if (output.format !== 'jsonl') return output.document(report, () => reportText(report, output))
  for (const finding of report.findings) await output.line(finding, () => '')
}

function reportText({ findings, notChecked: unseen }: Report, output: Output): string {
  const { style } = output
  const blocks = findings.map(({ id, severity, says, fix }) =>
    [
      `${severityText(severity, output)}  ${style.bold(id)}`,
      `  ${plain(says)}`,
      `  ${style.dim('fix:')} ${plain(fix)}`,
    ].join('\n'),
  )
  const skipped = unseen.map(({ what, why }) => `${style.dim('not checked:')} ${what}. ${why}`)
  return [...blocks, ...skipped, summary(findings)].join('\n\n')
}

function severityText(severity: Severity, { style }: Output): string {
  const paint = { error: style.red, warning: style.yellow, note: style.cyan }[severity]
  return paint(severity)
}

function summary(findings: readonly Finding[]): string {
  const counts = SEVERITIES.map(severity => counted(findings.filter(one => one.severity === severity).length, severity))
  return verdictOf(findings) === 'well' ? `All is well: ${counts.join(', ')}.` : `Found ${counts.join(', ')}.`
}

async function runProbe({ config, output }: Invocation, probe: Probe): Promise<ExitCode> {
  const { host, port } = config.http
  const url = `http://${hostFor(host)}:${port}${PROBES[probe]}`
  const says = port < 1 ? 'http.port is off or any: nobody can be asked.' : await problemAt(url)
  if (says === undefined) return EXIT_CODES.ok
  const finding: Finding = {
    ...{ id: `process-not-${probe}`, severity: 'error', source: 'settings', subject: url, says },
    fix: `Look at the log of the process; \`errand doctor\` looks at Kafka and Redis. http.host and http.port (ERRAND_HTTP_HOST, ERRAND_HTTP_PORT) must be the process's own.`,
  }
  await answer(output, { verdict: 'problems', findings: [finding], notChecked: [] })
  return EXIT_CODES.problems
}

/** Whoever listens everywhere is asked here. */
function hostFor(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}

async function problemAt(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(PROBE_MS_MAX) })
    if (response.ok) return undefined
    const text = (await response.text()).slice(0, ANSWER_CHARS_MAX)
    return `${url} answers ${response.status}: ${text.trim()}`
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
    return `${url} does not answer: ${saidBy(cause)}`
  }
}
