// `npm run screenshots`: pictures of the console's main pages, into docs/images. Everything in them happens: a storage in memory, a
// worker that fails as workers do, and a clock that runs fast, so that the charts have an hour to show.

import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { chromium } from 'playwright-core'
import { z } from 'zod'
import { Client } from '../src/client/client.ts'
import { defineActivity } from '../src/client/define-activity.ts'
import { createConsole } from '../src/console/index.ts'
import type { Clock } from '../src/core/clock.ts'
import { sleepOn, systemClock } from '../src/core/clock.ts'
import { handleOperations } from '../src/operations/operation-worker.ts'
import { MemoryStorage } from '../src/storage/memory/index.ts'
import { Worker } from '../src/worker/worker.ts'
import { buildConsoleUi } from './build-console-ui.ts'
import { CHROMIUM_ARGS, ensureChromium } from './chromium.ts'
import { repositoryDir } from './stack/places.ts'
import { say } from './stack/say.ts'

const MINUTE_MS = 60_000
const MINUTES = 45
const SPEED = 120
const images = join(repositoryDir, 'docs', 'images')
const VIEWPORT = { width: 1280, height: 860 }

const order = z.looseObject({ orderId: z.string() })
const chargeOrder = defineActivity({ type: 'charge-order', input: order, maxAttempts: 3, retryDelayMs: 20_000 })
const sendInvoice = defineActivity({ type: 'send-invoice', input: order, maxAttempts: 2, retryDelayMs: 5_000 })
const exportReport = defineActivity({ type: 'export-report', input: z.unknown(), timeoutMs: 3_600_000 })
const printLabel = defineActivity({ type: 'print-label', input: z.unknown() })

/** Time that runs faster, until it is slowed down: what waits for a minute waits for half a second. */
class FastClock implements Clock {
  readonly #startMs = Date.now() - MINUTES * MINUTE_MS
  #slowedAt: number | null = null
  readonly #begunMs = performance.now()

  nowMs(): number {
    return Math.floor(this.#startMs + this.monotonicMs())
  }

  monotonicMs(): number {
    const elapsedMs = performance.now() - this.#begunMs
    if (this.#slowedAt === null) return elapsedMs * SPEED
    return this.#slowedAt * SPEED + (elapsedMs - this.#slowedAt)
  }

  sleep(ms: number, options?: { readonly signal?: AbortSignal }): Promise<void> {
    return sleepOn(this, ms, options?.signal)
  }

  after(ms: number, call: () => void): () => void {
    return systemClock.after(this.#slowedAt === null ? ms / SPEED : ms, call)
  }

  slowDown(): void {
    this.#slowedAt = performance.now() - this.#begunMs
  }
}

const found = ensureChromium()
if (found.path === null) {
  say(found.reason)
  process.exitCode = 1
} else await takeAll(found.path)

async function takeAll(executablePath: string): Promise<void> {
  const pages = mkdtempSync(join(tmpdir(), 'errand-pages-'))
  await buildConsoleUi(pages)
  const clock = new FastClock()
  const storage = new MemoryStorage({ clock })
  const client = new Client({ storage, clock })
  const worker = workerOf(storage, clock)
  await worker.start()
  await storage.declareTypes({ types: [printLabel.type] })
  const served = createConsole({
    ...{ storage, clock, assetsFolder: pages, namespace: 'shop', environment: { name: 'staging', color: '#b06000' } },
  })
  const server = createServer(served.handler).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const browser = await chromium.launch({ executablePath, args: [...CHROMIUM_ARGS] })
  try {
    await liveThroughAnHour(client, clock)
    clock.slowDown()
    mkdirSync(images, { recursive: true })
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await browser.newPage({ viewport: VIEWPORT, colorScheme })
      await tour(page, address, colorScheme)
      await page.close()
    }
  } finally {
    await browser.close()
    await served.close()
    server.closeAllConnections()
    server.close()
    await worker.stop({ graceMs: 0 })
    await storage.close()
    rmSync(pages, { recursive: true, force: true })
  }
}

function workerOf(storage: MemoryStorage, clock: Clock): Worker {
  const worker = new Worker({
    storage,
    clock,
    workerId: 'worker-7c9d-x2',
    concurrency: 20,
    reaper: { intervalMs: 1_000 },
  })
  worker.handle(chargeOrder, async ({ amount, orderId }, { signal }) => {
    await clock.sleep(400, { signal })
    if (typeof amount === 'number' && amount < 0) {
      throw failure('RangeError', `amount ${amount} of order ${orderId} is below zero`, 'EAMOUNT')
    }
    return { receipt: `R-${orderId}` }
  })
  worker.handle(sendInvoice, async ({ email }, { signal, attempt }) => {
    await clock.sleep(150, { signal })
    if (email === 'down') {
      throw failure('MailError', 'connect ECONNREFUSED 10.2.0.15:25', 'ECONNREFUSED')
    }
    if (email === 'busy' && attempt === 1) throw failure('MailError', 'the mail server is busy: 451', 'EBUSY')
    return { sent: true }
  })
  worker.handle(exportReport, async (_, { signal }) => {
    await clock.sleep(3_600_000, { signal })
  })
  handleOperations(worker, { storage })
  return worker
}

/** With a stack as it would be in a service, and not of this machine. */
function failure(name: string, message: string, code: string): Error {
  const error = Object.assign(new Error(message), { name, code })
  error.stack = `${name}: ${message}\n    at handle (/app/src/orders.ts:27:11)\n    at process.processTicksAndRejections (node:internal/process/task_queues:103:5)`
  return error
}

async function liveThroughAnHour(client: Client, clock: Clock): Promise<void> {
  for (let minute = 0; minute < MINUTES; minute++) {
    const count = 14 + Math.round(9 * Math.sin(minute / 5)) + (minute % 3)
    const isOutage = minute > 22 && minute < 30
    for (let n = 0; n < count; n++) {
      const orderId = String(4_000 + minute * 40 + n)
      const isWrong = n === 3 && minute % 6 === 1
      await client.enqueue(chargeOrder, {
        orderId,
        amount: isWrong ? -5 : 20 + n,
        currency: 'EUR',
        customer: { id: 9_000 + n },
      })
      if (n % 2 === 0)
        await client.enqueue(sendInvoice, {
          orderId,
          email: isOutage && n % 4 === 0 ? 'down' : n % 8 === 2 ? 'busy' : 'ada@example.com',
        })
    }
    if (minute === 30) await client.enqueue(exportReport, { month: '2026-10' }, { priority: 'low' })
    if (minute > 33 && minute % 2 === 0)
      await client.enqueue(printLabel, { orderId: String(minute) }, { priority: 'high' })
    if (minute % 10 === 5) await client.enqueue(sendInvoice, { orderId: `later-${minute}` }, { delayMs: 6 * 3_600_000 })
    await clock.sleep(MINUTE_MS)
  }
}

/** One picture after the other, as somebody on call would walk; in the dark, those that are mostly colour. */
async function tour(page: Page, address: string, scheme: 'light' | 'dark'): Promise<void> {
  const take = async (name: string, fullPage = true): Promise<void> => {
    await page.mouse.move(0, 0)
    await page.screenshot({ fullPage, path: join(images, `console-${name}-${scheme}.png`) })
  }
  const show = async (path: string, waitsFor: string): Promise<void> => {
    await page.goto(address + path)
    await page.locator(waitsFor).first().waitFor()
  }
  await show('', '.plot canvas')
  await page.locator('.pill-live').waitFor()
  await take('overview')
  await show('activities?text=below+zero', 'main tbody a.row-link')
  await page.locator('main tbody a.row-link').first().click()
  await page.locator('.timeline .bar').first().waitFor()
  await take('activity')
  if (scheme === 'dark') return
  await page.getByRole('button', { name: 'Edit, then retry…' }).click()
  const editor = page.getByLabel('Payload (JSON)')
  await editor.fill((await editor.inputValue()).replace('-5', '5'))
  await page.getByLabel('Why (goes into the audit)').fill('the amount had the wrong sign')
  await take('edit', false)
  await show('activities?status=dead_letter', 'main tbody tr')
  await take('activities', false)
  await show('dead-letters', '.group')
  await take('dead-letters')
  await redriveAGroup(page, address, take)
  await show('workers', 'main tbody tr')
  await take('workers')
}

async function redriveAGroup(page: Page, address: string, take: (name: string) => Promise<void>): Promise<void> {
  await page.goto(`${address}dead-letters`)
  await page.getByRole('button', { name: 'Redrive this group…' }).first().click()
  await page.getByLabel('A second, at most').fill('5')
  await page.getByLabel('Why (goes into the audit)').fill('the mail server is back')
  await page.getByRole('button', { name: /^Redrive \d+$/ }).click()
  await page.getByText(/[1-9] done|\d\d done/).waitFor()
  await take('operation')
}
