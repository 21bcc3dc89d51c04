// Gauges: what is shown as it stands, asked for whenever somebody collects. All sources of a process share one callback, so that
// two workers add their slots up instead of overwriting each other, and two readers that collect at once ask only once.
//
//   collect ──▶ ask every source ──▶ merge by gauge and attributes ──▶ observe
//
// A reader that accumulates shows the last value of what is no longer observed, for ever. So what vanishes is observed once
// more: as 0 where it is gone (the slots of a worker that has stopped, a lane that was deleted while others are told), else as
// NaN, which says "not known".

import type { Attributes, Meter, ObservableGauge } from '@opentelemetry/api'
import { GAUGES } from './semantic-conventions.ts'
import type { FigureLabels, GaugeName, GaugeReading, GaugeSource } from './telemetry.ts'

/** Somebody who knows how something stands. */
export interface ObservedSource {
  readonly source: GaugeSource
  /** Told of the first of several failures in a row. */
  readonly onFailed: (error: unknown) => void
  readonly attributesOf: (gauge: object, labels: FigureLabels) => Attributes
}

/** A value as it is observed. */
interface Shown {
  readonly name: GaugeName
  readonly attributes: Attributes
  readonly value: number
}

const NAMES = Object.keys(GAUGES) as GaugeName[]

const books = new WeakMap<Meter, GaugeBook>()

/** Observes a source with the gauges of a meter; the function given back ends it. */
export function observeWith(meter: Meter, observed: ObservedSource): () => void {
  let book = books.get(meter)
  if (book === undefined) {
    book = new GaugeBook(meter)
    books.set(meter, book)
  }
  return book.add(observed)
}

/** The gauges of one meter, and who is asked. */
class GaugeBook {
  readonly #sources = new Set<ObservedSource>()
  readonly #failing = new WeakSet<ObservedSource>()
  #shown: ReadonlyMap<string, Shown> = new Map()
  #asking: Promise<ReadonlyMap<string, Shown>> | undefined

  constructor(meter: Meter) {
    const gauges = new Map(NAMES.map((name): [GaugeName, ObservableGauge] => [name, gaugeOf(meter, name)]))
    meter.addBatchObservableCallback(
      async result => {
        for (const { name, attributes, value } of (await this.#ask()).values()) {
          const gauge = gauges.get(name)
          if (gauge !== undefined) result.observe(gauge, inUnit(name, value), attributes)
        }
      },
      [...gauges.values()],
    )
  }

  add(observed: ObservedSource): () => void {
    this.#sources.add(observed)
    return () => void this.#sources.delete(observed)
  }

  #ask(): Promise<ReadonlyMap<string, Shown>> {
    this.#asking ??= this.#askAll().finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  async #askAll(): Promise<ReadonlyMap<string, Shown>> {
    const told = new Map<string, Shown>()
    for (const shown of (await Promise.all([...this.#sources].map(each => this.#askOne(each)))).flat()) {
      const key = `${shown.name} ${JSON.stringify(Object.entries(shown.attributes).sort(byName))}`
      const before = told.get(key)
      told.set(key, before === undefined ? shown : { ...shown, value: merged(shown.name, before.value, shown.value) })
    }
    const names = new Set([...told.values()].map(({ name }) => name))
    const all = new Map(told)
    for (const [key, { name, attributes }] of this.#shown) {
      const isGone = names.has(name) || GAUGES[name].merge === 'sum'
      if (!told.has(key)) all.set(key, { name, attributes, value: isGone ? 0 : Number.NaN })
    }
    this.#shown = told
    return all
  }

  /** Never rejects, so that one that fails leaves the others theirs. */
  async #askOne(observed: ObservedSource): Promise<Shown[]> {
    try {
      const readings = await observed.source()
      this.#failing.delete(observed)
      // One that was taken off while it was asked is no longer believed.
      return this.#sources.has(observed) ? readings.map(reading => toShown(reading, observed)) : []
    } catch (error) {
      if (!this.#failing.has(observed)) observed.onFailed(error)
      this.#failing.add(observed)
      return []
    }
  }
}

function gaugeOf(meter: Meter, name: GaugeName): ObservableGauge {
  const { name: called, unit, description } = GAUGES[name]
  return meter.createObservableGauge(called, { unit, description })
}

function toShown({ name, value, labels }: GaugeReading, { attributesOf }: ObservedSource): Shown {
  return { name, value, attributes: attributesOf(GAUGES[name], labels) }
}

/** Two sources that tell of the same thing: what each has of its own adds up, what all see alike is there once. */
function merged(name: GaugeName, a: number, b: number): number {
  if (Number.isNaN(a)) return b
  if (Number.isNaN(b)) return a
  return GAUGES[name].merge === 'sum' ? a + b : Math.max(a, b)
}

/** Times are ms in here and seconds outside. */
function inUnit(name: GaugeName, value: number): number {
  return GAUGES[name].unit === 's' ? value / 1_000 : value
}

function byName(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : 1
}
