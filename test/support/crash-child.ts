// A process that dies on purpose. It plays scenes up to a write of each, where it stands still: before the write, after its
// answer, or when the server has answered and that answer is lost. Once every scene stands still it kills itself.
// Told by JSON as its only argument; says on stdout, a JSON line each, which activities it is about, and what it dies of.

import { writeSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { systemClock } from '../../src/core/clock.ts'
import type { CrashPhase, CrashPoint } from '../../src/core/crash-point.ts'
import { ErrandError } from '../../src/core/errors.ts'
import { KafkaStorage } from '../../src/storage/kafka/index.ts'
import { kindOf } from './crash-matrix.ts'
import { CrashRedis } from './crash-redis.ts'
import type { ScenarioName } from './crash-scenarios.ts'
import { isRehoming } from './crash-scenarios.ts'
import type { Scene } from './crash-scenes.ts'
import { setScene } from './crash-scenes.ts'
import { CrashStage } from './crash-stage.ts'
import { crashStorageOptions } from './crash-storage-options.ts'
import { ReplyLoss } from './reply-loss.ts'
import { kafkaBrokers, redisUrl } from './stack.ts'

/** Where a scene stands still. `answer lost`: after the write, and only the server knows. */
export interface Death {
  readonly scenario: ScenarioName
  readonly point: CrashPoint
  readonly phase: CrashPhase | 'answer lost'
  /** What an earlier process has left, to go on with; null: make an activity. */
  readonly id: string | null
}

/** What a child is told. The one whose answer is lost comes last. */
export interface CrashOrder {
  readonly namespace: string
  readonly type: string
  readonly deaths: readonly Death[]
}

/** What a child says. */
export type CrashWord =
  | { readonly said: 'about'; readonly ids: readonly string[] }
  | { readonly said: 'stands'; readonly point: CrashPoint; readonly phase: Death['phase'] }

const STANDS_MS_MAX = 15_000

flushCompileCache() // a process that is killed keeps nothing for the next
const { namespace, type, deaths } = JSON.parse(process.argv[2] ?? '') as CrashOrder
const loss = await ReplyLoss.open({ brokers: kafkaBrokers(), redisUrl: redisUrl() })
const direct = crashStorageOptions(
  namespace,
  deaths.some(({ scenario }) => isRehoming(scenario)),
)
const stage = new CrashStage({
  namespace,
  type,
  redis: new CrashRedis(namespace),
  storage: await KafkaStorage.open({ ...direct, brokers: loss.brokers, redisUrl: loss.redisUrl }),
  openAnother: () => KafkaStorage.open(direct),
})
await stage.storage.declareTypes({ types: [type] })
const scenes: Scene[] = []
// All of them first: what one scene's call makes ready would be claimed on the way to another.
for (const { scenario, id } of deaths) scenes.push(await setScene(scenario, stage, id))
for (const { id, others = [] } of scenes) say({ said: 'about', ids: [id, ...others] })
for (const [at, death] of deaths.entries()) {
  await playUntilItStands(death, scenes[at])
  say({ said: 'stands', point: death.point, phase: death.phase })
  // What stands still would be taken up by this process itself, which is to be dead.
  stage.freezeAll('done.claimed')
  stage.freezeAll('done.published')
}
die()

async function playUntilItStands(death: Death, scene: Scene | undefined): Promise<void> {
  const stands = standsStill(death)
  const late = Promise.resolve(scene?.act())
    .then(() => systemClock.sleep(STANDS_MS_MAX))
    .then(() => {
      throw new ErrandError('internal', `'${death.scenario}' went by without coming to ${death.point}`)
    })
  await Promise.race([stands, late])
  late.catch(() => undefined) // it may still fail, for what a process is told whose storage stands still
}

async function standsStill({ point, phase }: Death): Promise<void> {
  if (phase !== 'answer lost') return stage.freeze(point, phase)
  await new Promise<void>(() => {
    stage.whenNextAt(point, 'before', () => {
      loss.loseNext(kindOf(point), () => {
        // At once: nothing of this process is to hear of it.
        say({ said: 'stands', point, phase })
        die()
      })
      return undefined
    })
  })
}

function die(): void {
  process.kill(process.pid, 'SIGKILL')
}

// Written at once: nothing that is buffered outlives the kill.
function say(word: CrashWord): void {
  writeSync(1, `${JSON.stringify(word)}\n`)
}
