// Where one process plays scenes: a storage, and traps for its writes. What runs into a trap stays there for good, as if the
// process had died; or something is done when it comes by.

import { onCrossing } from '../../src/core/crash-point.ts'
import type { CrashPhase, CrashPoint } from '../../src/core/crash-point.ts'
import type { KafkaStorage } from '../../src/storage/kafka/index.ts'
import type { CrashRedis } from './crash-redis.ts'

interface Trap {
  readonly point: CrashPoint
  readonly phase: CrashPhase
  readonly spring: () => Promise<void> | undefined
}

/** Never goes on. */
const forGood = (): Promise<void> => new Promise(() => undefined)

/** One process's stage. Only one at a time: crossings are heard by the process as a whole. */
export class CrashStage {
  readonly namespace: string
  readonly type: string
  readonly redis: CrashRedis
  storage: KafkaStorage
  /** Who takes expired leases back, where that is another one. */
  reaper: KafkaStorage
  readonly #openAnother: () => Promise<KafkaStorage>
  #traps: Trap[] = []
  #leftOpen: KafkaStorage[] = []
  #waiting: (() => void)[] = []

  constructor(parts: {
    readonly namespace: string
    readonly type: string
    readonly storage: KafkaStorage
    readonly redis: CrashRedis
    readonly openAnother: () => Promise<KafkaStorage>
  }) {
    this.namespace = parts.namespace
    this.type = parts.type
    this.storage = parts.storage
    this.reaper = parts.storage
    this.redis = parts.redis
    this.#openAnother = parts.openAnother
    onCrossing((point, phase) => this.#heard(point, phase))
  }

  /** The next that comes there stays there. Resolves once it is there. */
  freeze(point: CrashPoint, phase: CrashPhase): Promise<void> {
    return new Promise(resolve => {
      this.whenNextAt(point, phase, () => {
        resolve()
        return forGood()
      })
    })
  }

  /** Everyone that comes there stays there. */
  freezeAll(point: CrashPoint): void {
    this.whenNextAt(point, 'before', () => {
      this.freezeAll(point)
      return forGood()
    })
  }

  /** Everyone that comes there waits until the scene is over. */
  holdAll(point: CrashPoint): void {
    this.whenNextAt(point, 'before', () => {
      this.holdAll(point)
      return new Promise(resolve => this.#waiting.push(resolve))
    })
  }

  /** Does something when the next comes there. */
  whenNextAt(point: CrashPoint, phase: CrashPhase, spring: Trap['spring']): void {
    this.#traps.push({ point, phase, spring })
  }

  /** Runs something until it is stuck at a write. */
  async stuck(point: CrashPoint, phase: CrashPhase, run: () => Promise<unknown>): Promise<void> {
    const frozen = this.freeze(point, phase)
    await Promise.race([frozen, run().then(() => Promise.reject(new Error(`came by ${point} without a write`)))])
  }

  /** Takes every trap away. */
  clear(): void {
    this.#traps = []
  }

  /** Another storage on the same ground, until the scene is over. */
  async another(): Promise<KafkaStorage> {
    const storage = await this.#openAnother()
    this.#leftOpen.push(storage)
    return storage
  }

  /** The scene is over. */
  async tidy(): Promise<void> {
    this.clear()
    for (const goOn of this.#waiting.splice(0)) goOn()
    await Promise.all(this.#leftOpen.splice(0).map(storage => storage.close()))
  }

  #heard(point: CrashPoint, phase: CrashPhase): Promise<void> | undefined {
    const at = this.#traps.findIndex(trap => trap.point === point && trap.phase === phase)
    return at === -1 ? undefined : this.#traps.splice(at, 1)[0]?.spring()
  }
}
