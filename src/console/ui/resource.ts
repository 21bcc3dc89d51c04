// What a page shows of the server: asked for, asked for again when something happens or time passes, and kept when it cannot be
// had, with since when and what was tried. It heals by itself. Nothing is asked for while the page is paused or its tab hidden.

import { useEffect, useMemo } from 'preact/hooks'
import type { Signal } from '@preact/signals'
import { effect, signal } from '@preact/signals'
import type { ActivityEvent } from '../../storage/storage.ts'
import { ApiProblem } from './api.ts'
import { isHidden, isPaused, onLive } from './live.ts'

/** How to have it. */
export interface ResourceParts<T> {
  /** Names what is asked for: another key is another question. */
  readonly key: string
  readonly load: (signal: AbortSignal) => Promise<T>
  /** Asked again after so long, also when nothing was heard; `never`: it is what was asked for once, whatever happens. Unit: ms. */
  readonly everyMs: number | 'never'
  /** Whether an event changes it; left out: none does. */
  readonly concerns?: (event: ActivityEvent) => boolean
}

/** What there is of it. */
export interface Resource<T> {
  readonly data: Signal<T | null>
  readonly problem: Signal<ApiProblem | null>
  /** Since when it cannot be had. */
  readonly troubledSinceMs: Signal<number | null>
  readonly isLoading: Signal<boolean>
  /** Asks now. */
  refetch(): void
}

/** Events come in crowds: a page asks at most so often. */
const PAUSE_MS = 1_000
const RETRY_MS_MAX = 15_000

/** A resource, as long as the component lives and its key stays. */
export function useResource<T>(parts: ResourceParts<T>): Resource<T> {
  const loader = useMemo(() => new Loader(parts), [parts.key])
  useEffect(() => loader.start(), [loader])
  return loader
}

class Loader<T> implements Resource<T> {
  readonly data: Signal<T | null> = signal<T | null>(null)
  readonly problem: Signal<ApiProblem | null> = signal<ApiProblem | null>(null)
  readonly troubledSinceMs: Signal<number | null> = signal<number | null>(null)
  readonly isLoading: Signal<boolean> = signal(true)
  readonly #parts: ResourceParts<T>
  #timer: ReturnType<typeof setTimeout> | undefined
  #asking: AbortController | null = null
  #isStale = false
  #failures = 0
  #rests = false
  #isOver = false

  constructor(parts: ResourceParts<T>) {
    this.#parts = parts
  }

  start(): () => void {
    this.#isOver = false
    const { concerns, everyMs } = this.#parts
    const stopLive = onLive(event => {
      if (everyMs !== 'never' && (event === null || concerns?.(event) === true)) this.#soon()
    })
    const stopEffect = effect(() => {
      const rested = this.#rests
      this.#rests = isHidden.value || isPaused.value
      if (this.#rests) clearTimeout(this.#timer)
      else if ((rested && everyMs !== 'never') || this.data.peek() === null) this.#ask()
    })
    if (this.#rests && !isHidden.peek()) this.#ask() // a page that is opened while paused shows something, once
    return () => {
      this.#isOver = true
      stopLive()
      stopEffect()
      clearTimeout(this.#timer)
      this.#asking?.abort()
      this.#asking = null
    }
  }

  refetch(): void {
    if (this.#asking === null) this.#ask()
    else this.#isStale = true
  }

  /** At once when it was quiet, else when the pause is over. */
  #soon(): void {
    if (this.#rests || this.#isStale) return
    this.#isStale = true
    if (this.#asking === null) this.#schedule(PAUSE_MS)
  }

  #ask(): void {
    if (this.#isOver || this.#asking !== null) return
    clearTimeout(this.#timer)
    const asking = new AbortController()
    this.#asking = asking
    this.#isStale = false
    this.isLoading.value = true
    this.#parts.load(asking.signal).then(
      value => this.#took(asking, value),
      (error: unknown) => this.#failed(asking, error),
    )
  }

  #took(asking: AbortController, value: T): void {
    if (asking !== this.#asking) return
    this.#asking = null
    this.#failures = 0
    this.data.value = value
    this.problem.value = null
    this.troubledSinceMs.value = null
    this.isLoading.value = false
    const { everyMs } = this.#parts
    if (this.#isStale) this.#schedule(PAUSE_MS)
    else if (everyMs !== 'never') this.#schedule(everyMs)
  }

  #failed(asking: AbortController, error: unknown): void {
    if (asking !== this.#asking) return
    this.#asking = null
    this.#failures += 1
    this.isLoading.value = false
    this.problem.value = error instanceof ApiProblem ? error : defect(error)
    this.troubledSinceMs.value ??= Date.now()
    if (this.problem.value.isFinal) return
    this.#schedule(Math.min(RETRY_MS_MAX, PAUSE_MS * 2 ** Math.min(this.#failures, 5)))
  }

  #schedule(ms: number): void {
    clearTimeout(this.#timer)
    if (!this.#rests && !this.#isOver) this.#timer = setTimeout(() => this.#ask(), ms)
  }
}

function defect(error: unknown): ApiProblem {
  const message = error instanceof Error ? error.message : String(error)
  return new ApiProblem({
    status: 0,
    code: 'internal',
    message: `the page could not read the answer: ${message}`,
    address: location.href,
  })
}
