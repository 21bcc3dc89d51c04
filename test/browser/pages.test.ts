// Every page, with something on it and empty, in both themes: it shows what it should, and an accessibility checker finds nothing.

import { expect, test } from 'vitest'
import type { ConsoleFinding } from '../../src/console/console-options.ts'
import { startOperation } from '../../src/operations/start-operation.ts'
import { axeViolations } from '../support/browser-axe.ts'
import { BrowserGround, chargeOrder, longRun, unattended, until } from '../support/browser-ground.ts'
import { describeInBrowser } from '../support/browser.ts'

const FINDING: ConsoleFinding = {
  ...{ id: 'topic-settings', severity: 'error', source: 'kafka', subject: 'shop.charge-order.high' },
  ...{ says: 'retention.ms is 604800000', fix: 'Run errand topics apply.' },
}

/** One of each: completed, dead, running, scheduled, cancelled, pending with nobody to take it, and an operation. */
async function settled(): Promise<{ ground: BrowserGround; dead: string; operation: string }> {
  const ground = await BrowserGround.open({
    console: {
      environment: { name: 'production' },
      diagnose: () =>
        Promise.resolve({ findings: [FINDING], notChecked: [{ what: 'ACLs', why: 'no right to read them' }] }),
    },
  })
  const { client } = ground
  const done = await client.enqueue(chargeOrder, { orderId: '1' })
  await ground.stands(done.id, 'completed')
  const dead = await ground.deadOrder('2')
  const running = await client.enqueue(longRun, {})
  await ground.stands(running.id, 'running')
  await client.enqueue(chargeOrder, { orderId: '3' }, { delayMs: 3_600_000 })
  const cancelled = await client.enqueue(chargeOrder, { orderId: '4' }, { delayMs: 3_600_000 })
  await client.cancel(cancelled.id, { reason: 'the customer left' })
  await client.enqueue(unattended, {})
  const { storage } = ground
  const { id } = await startOperation({
    storage,
    spec: { kind: 'redrive', filter: { ids: [done.id] }, reason: 'a try' },
  })
  await ground.stands(id, 'completed')
  return { ground, dead, operation: id }
}

describeInBrowser('every page', here => {
  test.each(['light', 'dark'] as const)(
    'shows what there is, and is accessible (%s)',
    { timeout: 240_000 },
    async colorScheme => {
      const { ground, dead, operation } = await settled()
      await using _ = ground
      const pages: readonly (readonly [path: string, ...shows: (string | RegExp)[]])[] = [
        ['', '1 activity pending, nobody subscribes to unattended', 'Ended per minute', 'Oldest pending', 'production'],
        ['activities', /^pending 1$/, /^completed \d+$/, 'unattended'],
        ['activities?status=scheduled', 'charge-order', /^in (59|1)/],
        ['activities?status=running', 'long-run', 'worker-1'],
        ['activities?status=completed&type=charge-order', 'charge-order'],
        ['activities?status=cancelled', 'charge-order'],
        ['activities?status=failed', 'No activity is failed'],
        ['activities?text=below+zero', /1 match in the \d+ activities looked at/, 'That is all there is'],
        [`activities/${dead}`, 'amount -5 of order 2 is below zero', 'backoff before the next attempt', 'EAMOUNT'],
        ['dead-letters', '1 dead letter', 'charge-order', 'Redrive this group…'],
        ['operations', 'completed', 'a try', 'redrive 1 activity by id'],
        [`operations/${operation}`, '1 settled of 1', 'What failed'],
        ['workers', 'worker-1', '1 pending, nobody subscribes to unattended'],
        ['topics', 'Topics are not known here'],
        ['doctor', 'retention.ms is 604800000', 'Run errand topics apply.', 'ACLs: no right to read them'],
        ['audit', 'Nothing was done here'],
        ['nothing/here/at/all', 'There is no such page'],
      ]
      await using opened = await here.open(ground.address, { colorScheme })
      for (const [path, ...shows] of pages) {
        await opened.page.goto(ground.address + path)
        for (const text of shows) await opened.sees(text)
        expect.soft(await axeViolations(opened.page), path).toEqual([])
      }
      const background = await opened.page.evaluate(() => getComputedStyle(document.body).backgroundColor)
      expect(background).toBe(colorScheme === 'dark' ? 'rgb(15, 19, 26)' : 'rgb(246, 247, 249)')
    },
  )

  test('dialogs are accessible', async () => {
    const { ground, dead } = await settled()
    await using _ = ground
    await using opened = await here.open(`${ground.address}activities/${dead}`)
    const { page } = opened
    for (const name of ['Edit, then retry…', 'Redrive…', 'Help: keys']) {
      await opened.button(name).click()
      expect.soft(await axeViolations(page), name).toEqual([])
      await page.keyboard.press('Escape')
      await page.locator('dialog').waitFor({ state: 'detached' })
    }
    await page.goto(`${ground.address}dead-letters`)
    await opened.button('Redrive this group…').click()
    await opened.sees('1 activity')
    expect(await axeViolations(page)).toEqual([])
  })

  test('an empty console teaches: lines to copy for the command line and for code', async () => {
    await using ground = await BrowserGround.open()
    await using opened = await here.open(`${ground.address}activities`)
    await opened.sees('No activity is pending')
    await opened.sees(`errand enqueue send-invoice '{"orderId":"42"}'`)
    await opened.sees(`await client.enqueue(sendInvoice, { orderId: '42' })`)
    await opened.page.goto(`${ground.address}dead-letters`)
    await opened.sees('There are no dead letters')
    await opened.page.goto(`${ground.address}operations`)
    await opened.sees('No bulk work in the last seven days')
    await opened.page.goto(`${ground.address}workers`)
    await opened.sees('Nothing runs now')
    expect(await axeViolations(opened.page)).toEqual([])
  })

  test('a page grows by itself: what is enqueued appears without a reload, and under the pointer nothing moves', async () => {
    await using ground = await BrowserGround.open()
    const { client } = ground
    const first = await client.enqueue(unattended, { n: 1 })
    await using opened = await here.open(`${ground.address}activities`)
    const { page } = opened
    const rows = page.locator('main tbody tr')
    await page.locator('.pill-live').waitFor()
    await until('one row', async () => (await rows.count()) === 1)
    await client.enqueue(unattended, { n: 2 })
    await until('two rows', async () => (await rows.count()) === 2)
    await rows.first().hover()
    const before = await rows.first().locator('.row-link').textContent()
    await client.enqueue(unattended, { n: 3 })
    await client.cancel(first.id)
    await opened.sees('1 new row: show')
    expect(await rows.count()).toBe(2)
    expect(await rows.first().locator('.row-link').textContent()).toBe(before)
    await page.locator('tr.gone').waitFor()
    await opened.button('1 new row: show').click()
    await page.mouse.move(0, 0)
    await until(
      'the newest answer',
      async () => (await rows.count()) === 2 && (await page.locator('tr.gone').count()) === 0,
    )
  })

  test('paused means paused; going on catches up', async () => {
    await using ground = await BrowserGround.open()
    await ground.client.enqueue(unattended, { n: 1 })
    await using opened = await here.open(`${ground.address}activities`)
    const { page } = opened
    const rows = page.locator('main tbody tr')
    await page.locator('.pill-live').click()
    await page.locator('.pill-paused').waitFor()
    const asked: string[] = []
    page.on('request', request => asked.push(request.url()))
    await ground.client.enqueue(unattended, { n: 2 })
    await page.locator('.pill-paused').focus()
    await page.waitForTimeout(1_500) // longer than a page waits before it asks after an event
    expect(asked).toEqual([])
    expect(await rows.count()).toBe(1)
    await page.locator('.pill-paused').click()
    await until('two rows', async () => (await rows.count()) === 2)
  })

  test('a hidden tab asks for nothing; seen again, it catches up', async () => {
    await using ground = await BrowserGround.open()
    await ground.client.enqueue(unattended, { n: 1 })
    await using opened = await here.open(`${ground.address}activities`)
    const { page } = opened
    const rows = page.locator('main tbody tr')
    await page.locator('.pill-live').waitFor()
    await rows.waitFor()
    const hide = (isHidden: boolean): Promise<void> =>
      page.evaluate(hidden => {
        Object.defineProperty(document, 'hidden', { value: hidden, configurable: true })
        document.dispatchEvent(new Event('visibilitychange'))
      }, isHidden)
    await hide(true)
    await page.locator('.pill-connecting').waitFor()
    const asked: string[] = []
    page.on('request', request => asked.push(request.url()))
    await ground.client.enqueue(unattended, { n: 2 })
    await page.waitForTimeout(1_500) // longer than a page waits before it asks after an event
    expect(asked).toEqual([])
    await hide(false)
    await until('two rows', async () => (await rows.count()) === 2)
    await page.locator('.pill-live').waitFor()
  })
})
