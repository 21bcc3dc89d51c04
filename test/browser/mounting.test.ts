// Wherever the console is mounted, and whatever is away: deep links, proxies, plain HTTP, a server that goes and comes back.

import { expect, test } from 'vitest'
import { axeViolations } from '../support/browser-axe.ts'
import { BrowserGround, unattended, until } from '../support/browser-ground.ts'
import { openWithRedisAway } from '../support/browser-hostile.ts'
import { describeInBrowser } from '../support/browser.ts'

describeInBrowser('under any path', here => {
  test.each([
    ['a path that the console knows', { console: { basePath: '/ops/errand' } }],
    ['a path that a proxy cuts off and tells nobody', { proxyPath: '/behind/a/proxy' }],
    ['a proxy in front of a path', { proxyPath: '/outer', console: { basePath: '/inner' } }],
  ])('%s', async (_, options) => {
    // The last: the browser's address is the proxy's, below which the console has a path of its own.
    const { proxyPath = '' } = options as { proxyPath?: string }
    await using ground = await BrowserGround.open(options)
    const base = proxyPath === '/outer' ? ground.address.replace('/inner/outer/', '/outer/inner/') : ground.address
    const id = await ground.deadOrder()
    await using opened = await here.open(`${base}activities/${id}`)
    const { page } = opened
    const asked: string[] = []
    page.on('request', request => asked.push(new URL(request.url()).pathname))
    await opened.sees('amount -5 of order 42 is below zero')
    await page.reload()
    await opened.sees('amount -5 of order 42 is below zero')
    await page.getByRole('link', { name: 'Dead letters' }).first().click()
    await opened.sees('1 dead letter')
    expect(page.url()).toBe(`${base}dead-letters`)
    await page.goBack()
    await opened.sees('amount -5 of order 42 is below zero')
    await page.goto(base.slice(0, -1))
    await opened.sees('Types and lanes')
    expect(page.url()).toBe(base)
    expect(asked.filter(path => path.includes('//') || !path.startsWith(new URL(base).pathname.slice(0, -1)))).toEqual(
      [],
    )
  })

  test('the pages are below 100 kB as they travel, and nothing comes from elsewhere', async () => {
    await using ground = await BrowserGround.open()
    const html = await (await fetch(ground.address)).text()
    const paths = [...html.matchAll(/(?:src|href)="\.\/([^"]+)"/g)].map(match => match[1] ?? '')
    expect(paths.length).toBeGreaterThanOrEqual(4)
    let bytes = 0
    for (const path of paths) {
      const { headers, body } = await fetch(ground.address + path)
      expect(headers.get('cache-control')).toBe(
        path.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
      )
      await body?.cancel()
      const raw = await rawBytes(ground.address + path)
      bytes += raw
    }
    console.log(`the pages are ${bytes} bytes as they travel`)
    expect(bytes).toBeLessThan(100_000)
  })

  test('a chosen theme is there before anything is painted', async () => {
    await using ground = await BrowserGround.open()
    await using opened = await here.open(ground.address, { colorScheme: 'light' })
    const { page } = opened
    await opened.button('Dark').click()
    // The pages' own script never comes: what is set then is set by what is loaded before it.
    await page.route('**/assets/*.js', route => route.abort())
    opened.expects(/ERR_FAILED/)
    await page.reload({ waitUntil: 'commit' })
    await page.locator('.boot').first().waitFor()
    expect(await page.evaluate(() => document.documentElement.dataset.theme)).toBe('dark')
  })
})

describeInBrowser('when something is away', here => {
  test(
    'the console: what was known stays, with the address tried, and it heals by itself',
    { timeout: 120_000 },
    async () => {
      await using ground = await BrowserGround.open()
      await ground.client.enqueue(unattended, {})
      await using opened = await here.open(`${ground.address}activities`)
      opened.expects(/ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE_CHUNKED_ENCODING/)
      const { page } = opened
      await page.locator('main tbody tr').waitFor()
      await ground.endServer()
      await opened.sees('the console does not answer')
      await opened.sees(/Tried .*api\/.*It is tried again by itself; below is what was known before/)
      await page.locator('.pill-reconnecting, .pill-stale, .pill-polling').first().waitFor()
      expect(await page.locator('main tbody tr').count()).toBe(1)
      await ground.startServer()
      await page.getByText('the console does not answer').first().waitFor({ state: 'detached' })
      await page.locator('.pill-live').waitFor({ timeout: 60_000 })
    },
  )

  test('Redis: the page is not empty, says which address was tried and how old its figures are, and heals', async () => {
    let isAway = false
    await using ground = await openWithRedisAway(() => isAway)
    await ground.client.enqueue(unattended, {})
    await using opened = await here.open(ground.address)
    opened.expects(/status of 503/)
    const { page } = opened
    const says = 'Redis at redis.example:6379 does not answer'
    await opened.sees('1 activity pending, nobody subscribes to unattended')
    isAway = true
    await opened.sees(says)
    await opened.sees(/What is shown is .* old. It heals by itself/)
    await opened.sees('1 activity pending, nobody subscribes to unattended')
    expect(await axeViolations(page)).toEqual([])
    let refused = 0
    page.on('response', response => {
      if (response.status() === 503 && response.url().includes('api/activities')) refused += 1
    })
    await page.goto(`${ground.address}activities`)
    await opened.sees('Kafka or Redis does not answer')
    // The first time, and once more because the live stream began; from then on only because it is tried again by itself.
    await until('it is tried again', () => Promise.resolve(refused >= 3))
    isAway = false
    await page.locator('main tbody tr').waitFor()
    await page.getByText(says).first().waitFor({ state: 'detached' })
  })

  test('an activity that nobody remembers: the page says so, and does not ask for ever', async () => {
    await using ground = await BrowserGround.open()
    await using opened = await here.open(`${ground.address}activities/0199f3a2-7c1e-7d4b-9b1a-52f0c0a1b2c3`)
    opened.expects(/status of 404/)
    await opened.sees('no activity 0199f3a2-7c1e-7d4b-9b1a-52f0c0a1b2c3 is remembered')
    expect(await opened.page.getByText('tried again by itself').count()).toBe(0)
    expect(await axeViolations(opened.page)).toEqual([])
  })

  test('the clipboard: on plain HTTP, where scripts have none, text is copied all the same', async () => {
    await using ground = await BrowserGround.open()
    await using opened = await here.open(`${ground.address}activities`)
    const { page } = opened
    await page.evaluate(() => Object.defineProperty(navigator, 'clipboard', { value: undefined }))
    await opened.sees('No activity is pending')
    await page.evaluate(() => {
      document.addEventListener(
        'copy',
        () =>
          ((window as { copied?: string }).copied =
            document.getSelection()?.toString() || copiedOf(document.activeElement)),
      )
      function copiedOf(element: Element | null): string {
        return element instanceof HTMLTextAreaElement ? element.value : ''
      }
    })
    await opened.button(/^Copy Enqueue one/).click()
    await opened.sees('Copied')
    expect(await page.evaluate(() => (window as { copied?: string }).copied)).toBe(
      `errand enqueue send-invoice '{"orderId":"42"}'`,
    )
  })

  test('reduced motion is obeyed', async () => {
    await using ground = await BrowserGround.open()
    await using opened = await here.open(ground.address, { reducedMotion: 'reduce' })
    await opened.sees('Overview')
    expect(await opened.page.evaluate(() => document.getAnimations().length)).toBe(0)
  })
})

/** Of an answer as it travels: compressed. */
async function rawBytes(address: string): Promise<number> {
  const { get } = await import('node:http')
  return new Promise((resolve, reject) => {
    get(address, { headers: { 'accept-encoding': 'gzip' } }, response => {
      let bytes = 0
      response.on('data', (chunk: Buffer) => (bytes += chunk.byteLength))
      response.on('end', () => resolve(bytes))
    }).on('error', reject)
  })
}
