// A Chromium for a file of tests, and pages that tell when something is not right: an error of a script, a refusal by the policy of
// the pages, a request to anywhere else.

import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core'
import { chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject } from 'vitest'
import { CHROMIUM_ARGS } from '../../scripts/chromium.ts'

/** How long a page may take for what a test waits for. The machine may be busy with other tests. */
export const PAGE_MS_MAX = 30_000

/** Where a test looks at a page. */
export interface BrowserHere {
  /** A new window; what went wrong in it fails {@link OpenPage.close}. */
  open(address: string, options?: BrowserContextOptions): Promise<OpenPage>
}

/** Tests in a browser; skipped, with the reason in their name, where there is none. */
export function describeInBrowser(name: string, tests: (here: BrowserHere) => void): void {
  const found = inject('chromium')
  const title = found.reason === null ? name : `${name} (SKIPPED: ${found.reason})`
  describe.skipIf(found.path === null)(title, () => {
    let browser: Browser
    beforeAll(async () => {
      browser = await chromium.launch({ executablePath: found.path ?? '', args: [...CHROMIUM_ARGS] })
    })
    afterAll(() => browser.close())
    tests({ open: (address, options) => OpenPage.open(browser, address, options) })
  })
}

/** A window. */
export class OpenPage implements AsyncDisposable {
  readonly page: Page
  readonly #wrong: string[]
  readonly #expected: RegExp[] = []

  private constructor(page: Page, wrong: string[]) {
    this.page = page
    this.#wrong = wrong
  }

  static async open(browser: Browser, address: string, options: BrowserContextOptions = {}): Promise<OpenPage> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })
    const page = await context.newPage()
    page.setDefaultTimeout(PAGE_MS_MAX)
    const wrong: string[] = []
    page.on('pageerror', error => wrong.push(`error of a script: ${error.stack ?? error.message}`))
    page.on('console', message => {
      if (message.type() === 'error') wrong.push(`console: ${message.text()} (${message.location().url})`)
    })
    page.on('dialog', dialog => {
      wrong.push(`a dialog: ${dialog.message()}`)
      void dialog.dismiss()
    })
    const { origin } = new URL(address)
    page.on('request', request => {
      const url = request.url()
      if (!url.startsWith(`${origin}/`) && !url.startsWith('data:')) wrong.push(`a request to elsewhere: ${url}`)
    })
    const opened = new OpenPage(page, wrong)
    await page.goto(address)
    return opened
  }

  /** What a test brings about on purpose, such as a refused request, is nothing wrong. */
  expects(wrong: RegExp): void {
    this.#expected.push(wrong)
  }

  /** Waits until the page shows a text. */
  async sees(text: string | RegExp): Promise<void> {
    await this.page.getByText(text).filter({ visible: true }).first().waitFor()
  }

  /** A button by its name. */
  button(name: string | RegExp): Locator {
    return this.page.getByRole('button', { name })
  }

  /** Ends; throws when something was wrong meanwhile. */
  async close(): Promise<void> {
    await this.page.context().close()
    const wrong = this.#wrong.filter(text => !this.#expected.some(pattern => pattern.test(text)))
    expect(wrong).toEqual([])
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
