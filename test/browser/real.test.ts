// The pages on a real Kafka and Redis: the story, what only Kafka has, and 100,000 dead letters.

import { expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { axeViolations } from '../support/browser-axe.ts'
import { chargeOrder, longRun, unattended } from '../support/browser-ground.ts'
import { RealGround } from '../support/browser-real.ts'
import { describeInBrowser } from '../support/browser.ts'

const MANY = 100_000
/** People wait for so long without wondering; the machine may be busy with other tests. */
const USABLE_MS = 15_000

describeInBrowser('on a real Kafka and Redis', here => {
  test(
    'why an order failed is found, its payload mended and retried, and it completes',
    { timeout: 180_000 },
    async () => {
      await using real = await RealGround.open()
      const { ground } = real
      const id = await ground.deadOrder('order-4711', { account: 'DE-1' })
      await using opened = await here.open(`${ground.address}dead-letters`)
      const { page } = opened
      await opened.sees('amount -5 of order order-4711 is below zero')
      await page.locator('.samples-line a').first().click()
      await opened.sees(/is a dead letter: its attempts were exhausted/)
      await opened.sees(`${real.namespace}.charge-order.`)
      await page.locator('.timeline .entry-attempt').nth(1).waitFor()
      expect(await page.locator('.timeline .entry-attempt').count()).toBe(2)
      await opened.button('Edit, then retry…').click()
      const editor = page.getByLabel('Payload (JSON)')
      await editor.fill((await editor.inputValue()).replace('-5', '9007199254740993'))
      await page.getByLabel('Why (goes into the audit)').fill('the amount was wrong')
      await opened.button('Retry with this payload').click()
      await opened.sees(/It completed on attempt 1/)
      await opened.sees('9007199254740993')
      await opened.sees('edited from')
      await page.goto(`${ground.address}activities/${id}`)
      await opened.sees('edited and retried as')
    },
  )

  test(
    'pages that only Kafka fills: topics, doctor, pending records with nobody to take them',
    { timeout: 180_000 },
    async () => {
      await using real = await RealGround.open()
      const { ground } = real
      const waits = await ground.client.enqueue(unattended, { n: 1 })
      const runs = await ground.client.enqueue(longRun, {})
      await ground.client.enqueue(chargeOrder, { orderId: 'later' }, { delayMs: 3_600_000, key: 'order-later' })
      await ground.stands(runs.id, 'running')
      await using opened = await here.open(ground.address)
      const { page } = opened
      await opened.sees('1 activity pending, nobody subscribes to unattended')
      await page.goto(`${ground.address}topics`)
      await opened.sees(`${real.namespace}.unattended.normal`)
      await page.getByText(`${real.namespace}.unattended.normal`).click()
      await opened.sees(/frontier 0 of 0–1, 1 unfinished/)
      await opened.sees('nobody subscribes to unattended')
      expect.soft(await axeViolations(page)).toEqual([])
      await page.goto(`${ground.address}doctor`)
      await opened.sees(/finding|Nothing was found/)
      expect.soft(await axeViolations(page)).toEqual([])
      await page.goto(`${ground.address}workers`)
      await opened.sees('worker-1')
      await page.goto(`${ground.address}activities`)
      await page.locator('main tbody a.row-link').first().click()
      await page.getByRole('heading', { level: 1, name: waits.id }).waitFor()
      await opened.sees(`${real.namespace}.unattended.normal/`)
      await page.getByRole('searchbox').fill('order-later')
      await page.keyboard.press('Enter')
      await opened.sees(/waits for attempt 1/)
      await page.goto(`${ground.address}activities/${runs.id}`)
      await opened.button('Cancel…').click()
      await page.getByLabel('Why (goes into the audit)').fill('takes too long')
      await opened.button('Cancel it').click()
      await opened.sees('It was cancelled')
    },
  )

  test(
    `${MANY} dead letters stay usable: groups, members, pages, a count before, a redrive that is stopped`,
    { timeout: 300_000 },
    async () => {
      await using real = await RealGround.open()
      const { ground } = real
      await real.writeDeadLetters('unattended', MANY)
      await using opened = await here.open(`${ground.address}audit`)
      const { page } = opened
      const timed = async (what: string, path: string, shows: string | RegExp): Promise<void> => {
        const startedMs = systemClock.monotonicMs()
        await page.goto(ground.address + path)
        await opened.sees(shows)
        const tookMs = systemClock.monotonicMs() - startedMs
        console.log(`${what} with ${MANY} dead letters: ${tookMs.toFixed(0)} ms`)
        expect(tookMs, what).toBeLessThan(USABLE_MS)
      }
      await timed('overview', '', 'Types and lanes')
      await timed(
        'groups',
        'dead-letters',
        /2 groups of the newest 5,000 dead letters; older ones are in no group here/,
      )
      await page.locator('.group h2 a').last().click()
      await opened.sees(/dead letters of this error in the \d+,?\d* newest looked at/)
      await opened.button('Go on looking').waitFor()
      await timed('a page of them', 'activities?status=dead_letter', 'no route to host')
      await opened.button('Older').click()
      await opened.button('Newest').waitFor()
      await page.goto(`${ground.address}dead-letters?type=unattended`)
      await opened.button('Redrive all of unattended…').click()
      await opened.sees(/At least [\d,]+ activities/)
      await page.getByLabel('A second, at most').fill('20')
      await page.getByLabel('Why (goes into the audit)').fill('a try')
      await opened.button(/^Redrive [\d,]+ or more$/).click()
      await opened.sees(/[1-9]\d* settled/)
      await opened.button('Stop it…').click()
      await page.getByLabel('Why (goes into the audit)').fill('enough')
      await page.getByRole('dialog').getByRole('button', { name: 'Stop it' }).click()
      await opened.sees('cancelled')
    },
  )
})
