// A namespace with topics as they should be, and what `errand doctor` finds in it once something was done to them.

import type { Admin } from 'kafkajs'
import kafkajs, { Kafka, logLevel } from 'kafkajs'
import { expect } from 'vitest'
import type { Finding } from '../../src/doctor/finding.ts'
import { applyTopics } from '../../src/storage/kafka/index.ts'
import { dropTopics } from './drop-topics.ts'
import { runAlone } from './observed-namespace.ts'
import { runNode } from './run-program.ts'
import { freshNamespace, kafkaBrokers, redisUrl } from './stack.ts'

const CLI = 'src/cli/main.ts'

/** What `errand doctor --json` answers, and how it ended. */
export interface Diagnosis {
  readonly exitCode: number | null
  readonly verdict: string
  readonly findings: readonly Finding[]
  readonly notChecked: readonly { readonly what: string; readonly why: string }[]
}

/** Runs `errand` until it ends. */
export async function errand(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>> = {},
  execArgs: readonly string[] = [],
): Promise<{ readonly exitCode: number | null; readonly stdout: string; readonly stderr: string }> {
  return runNode([...execArgs, CLI, ...args], { env: { NODE_ENV: undefined, ...env } })
}

/** Runs `errand doctor --json`. */
export async function doctor(
  env: Readonly<Record<string, string | undefined>>,
  args: readonly string[] = [],
  execArgs: readonly string[] = [],
): Promise<Diagnosis> {
  const { exitCode, stdout, stderr } = await errand(['doctor', '--json', ...args], env, execArgs)
  try {
    return { exitCode, ...(JSON.parse(stdout) as Omit<Diagnosis, 'exitCode'>) }
  } catch (error) {
    throw new Error(`errand doctor ended with ${exitCode} and said no JSON: ${stdout} ${stderr}`, { cause: error })
  }
}

/** The one finding of that id. Fails with all that was found when it is not there, or there twice. */
export function only({ findings }: Diagnosis, id: string): Finding {
  const found = findings.filter(one => one.id === id)
  expect(found, `${id} among ${JSON.stringify(findings, null, 2)}. ${runAlone()}`).toHaveLength(1)
  return found[0] as Finding
}

/** Ids of what is no note, in order. */
export function problems({ findings }: Diagnosis): string[] {
  return findings.filter(({ severity }) => severity !== 'note').map(({ id }) => id)
}

/** A namespace on the shared servers. */
export class Patient implements AsyncDisposable {
  readonly namespace: string = freshNamespace('dr')
  readonly admin: Admin = new Kafka({ brokers: kafkaBrokers(), logLevel: logLevel.NOTHING }).admin()

  /** Its topics are as `errand topics apply` makes them, 2 partitions each. */
  static async open(types: readonly string[]): Promise<Patient> {
    const patient = new Patient()
    await patient.admin.connect()
    await applyTopics({ namespace: patient.namespace, brokers: kafkaBrokers(), types, partitions: 2 })
    return patient
  }

  /** Its variables for `errand`. */
  get env(): Record<string, string> {
    return {
      ERRAND_NAMESPACE: this.namespace,
      ERRAND_KAFKA_BROKERS: kafkaBrokers().join(','),
      ERRAND_REDIS_URL: redisUrl(),
    }
  }

  topic(name: string): string {
    return `${this.namespace}.${name}`
  }

  doctor(args: readonly string[] = []): Promise<Diagnosis> {
    return doctor(this.env, args)
  }

  /** Gives a topic a setting beside those that it has. */
  async set(name: string, settings: Readonly<Record<string, string>>): Promise<void> {
    const topic = { type: kafkajs.ConfigResourceTypes.TOPIC, name: this.topic(name) }
    const { resources } = await this.admin.describeConfigs({ includeSynonyms: false, resources: [topic] })
    const own = (resources[0]?.configEntries ?? []).filter(
      ({ configSource }) => configSource === kafkajs.ConfigSource.TOPIC_CONFIG,
    )
    const all = new Map(own.map(({ configName, configValue }) => [configName, configValue]))
    for (const [setting, value] of Object.entries(settings)) all.set(setting, value)
    const configEntries = [...all].map(([setting, value]) => ({ name: setting, value }))
    await this.admin.alterConfigs({ validateOnly: false, resources: [{ ...topic, configEntries }] })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.admin.disconnect()
    await dropTopics(this.namespace)
  }
}
