// Throughput and latency: Errand beside its peers, in rounds.

import type { Stack } from '../scripts/stack/stack.ts'
import type { BenchCommand } from './command.ts'
import { type Figure, ratiosOf, summariesOf } from './figures.ts'
import { openGround } from './ground.ts'
import { latencyMeasurements, RATES_PER_SECOND } from './latency.ts'
import { ensureInstalled, isInstalled, PEERS_DIR } from '../scripts/npm-folder.ts'
import { needsPackages, needsPostgres, openPeer, PEERS, type PeerName } from './peers.ts'
import { findPostgres } from './postgres-programs.ts'
import { openPostgres } from './postgres.ts'
import type { BenchReport, SubjectNote } from './report.ts'
import { type Measurement, measureRounds, progressText, type RoundSubjects } from './rounds.ts'
import { say } from './say.ts'
import type { Subject } from './subject.ts'
import { openErrandOnKafka } from './subjects/errand-kafka.ts'
import { openErrandOnMemory } from './subjects/errand-memory.ts'
import { throughputMeasurements, withBestRuns } from './throughput.ts'

/** What a comparison adds to the report. */
export type Compared = Pick<BenchReport, 'subjects' | 'figures' | 'ratios'>

/** Measures Errand and the peers. Installs the peers' packages and starts a PostgreSQL where they are asked for. */
export async function measureCompared(command: BenchCommand, stack: Stack | undefined): Promise<Compared> {
  const peers = stack === undefined ? [] : await peersOf(command)
  await using postgres = peers.some(needsPostgres) ? await openPostgres(process.env) : undefined
  const notes = new Map<string, SubjectNote>()
  const rounds = await measureRounds({
    rounds: command.rounds,
    measurements: measurementsOf(command),
    async openSubjects() {
      const opened = await openSubjects(stack, peers, postgres?.url ?? '')
      for (const { name, version, promise } of opened.subjects) notes.set(name, { name, version, promise })
      return opened
    },
    onFigure: (figure, round) => say(progressText(figure, round, command.rounds)),
  })
  const figures = summariesOf(rounds.map(figuresOfRound => inOrder(withBestRuns(figuresOfRound))))
  return { subjects: [...notes.values()], figures, ratios: ratiosOf(figures, 'errand') }
}

/** Those that were asked for, their packages installed; for a smoke run those that need no installation. */
async function peersOf({ mode, peers }: BenchCommand): Promise<readonly PeerName[]> {
  if (peers === undefined && mode === 'smoke') return PEERS.filter(isAtHand)
  const wanted = peers ?? ['kafkajs']
  if (wanted.some(needsPackages)) await ensureInstalled(PEERS_DIR)
  return wanted
}

function isAtHand(peer: PeerName): boolean {
  if (needsPackages(peer) && !isInstalled(PEERS_DIR)) return false
  return !needsPostgres(peer) || findPostgres() !== undefined
}

function measurementsOf({ mode, seconds, parts, concurrencies }: BenchCommand): Measurement[] {
  return [
    ...(mode === 'latency' ? [] : throughputMeasurements({ seconds, parts, concurrencies })),
    ...(mode === 'throughput'
      ? []
      : latencyMeasurements(seconds, mode === 'smoke' ? RATES_PER_SECOND.slice(0, 1) : RATES_PER_SECOND)),
  ]
}

/** Opened one after the other and closed in the reverse order, also when one of them cannot be opened. */
async function openSubjects(
  stack: Stack | undefined,
  peers: readonly PeerName[],
  postgresUrl: string,
): Promise<RoundSubjects> {
  const opened: AsyncDisposable[] = []
  const close = async (): Promise<void> => {
    for (const each of opened.toReversed()) await each[Symbol.asyncDispose]()
  }
  const keep = <T extends AsyncDisposable>(each: T): T => {
    opened.push(each)
    return each
  }
  try {
    if (stack === undefined) return { subjects: [keep(openErrandOnMemory())], [Symbol.asyncDispose]: close }
    const place = keep(openGround(stack))
    const subjects: Subject[] = [keep(await openErrandOnKafka(place))]
    for (const peer of peers) subjects.push(keep(await openPeer(peer, { ...place, postgresUrl })))
    return { subjects, [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw error
  }
}

/** All of a measure together: those that were added come last. */
function inOrder(figures: readonly Figure[]): Figure[] {
  return [...Map.groupBy(figures, ({ measure }) => measure).values()].flat()
}
