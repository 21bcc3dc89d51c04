// Whatever text comes from elsewhere is only ever text: in payloads, types, errors, workers, metadata, reasons and addresses.

import { expect, test } from 'vitest'
import { openWithType } from '../support/browser-hostile.ts'
import { BrowserGround, chargeOrder } from '../support/browser-ground.ts'
import { describeInBrowser } from '../support/browser.ts'

/** Each would leave a mark, or open a dialog, or ask elsewhere, if it ran. */
const ATTACKS = [
  '<img src=x onerror="window.hit=1">',
  '<script>window.hit=2</script>',
  '"><svg onload=alert(3)>',
  'javascript:window.hit=4',
  '</script><script src="//evil.example/x.js"></script>',
  '{{constructor.constructor("window.hit=5")()}}',
  '\u202Egnp.exe\u0000\u001B[31m',
]

describeInBrowser('hostile text', here => {
  test('in payload, error, key and metadata runs nothing and is shown as it is', { timeout: 240_000 }, async () => {
    await using ground = await BrowserGround.open({ console: { traceUrl: 'https://traces.example/{traceId}' } })
    const dead: string[] = []
    for (const attack of ATTACKS) {
      const payload = { orderId: attack, [attack]: attack, amount: -5, error: attack, __proto__: { polluted: true } }
      const metadata = { note: attack.replaceAll(/[^\x20-\x7E]/g, '?') }
      const { id } = await ground.client.enqueue(chargeOrder, payload, { metadata })
      await ground.stands(id, 'dead_letter')
      dead.push(id)
    }
    await using opened = await here.open(ground.address)
    const { page } = opened
    const paths = [
      '',
      'activities?status=dead_letter',
      'dead-letters',
      'operations',
      'workers',
      'audit',
      ...dead.map(id => `activities/${id}`),
      ...ATTACKS.map(attack => `activities?text=${encodeURIComponent(attack)}`),
      ...ATTACKS.map(attack => `activities?type=${encodeURIComponent(attack)}&status=${encodeURIComponent(attack)}`),
      ...ATTACKS.map(attack => `activities/${encodeURIComponent(attack)}`),
    ]
    opened.expects(/status of 400|status of 404/) // an attack is no type, and no id
    for (const path of paths) {
      await page.goto(ground.address + path)
      await page.locator('main h1, main .state').first().waitFor()
      await page.waitForLoadState('load')
    }
    await page.goto(`${ground.address}activities/${dead[0]}`)
    await opened.sees('<img src=x onerror="window.hit=1">')
    for (const name of ['Raw', 'Edit, then retry…']) await page.getByRole('button', { name }).first().click()
    expect(await page.evaluate(() => (window as { hit?: unknown }).hit)).toBe(undefined)
    expect(await page.evaluate(() => ({}))).not.toHaveProperty('polluted')
    expect(await page.locator('main img, main iframe, main svg, main script').count()).toBe(0)
  })

  test('a type that no definition allows, as a foreign storage might give it, is text too', async () => {
    await using hostile = await openWithType(ATTACKS[0] ?? '')
    await using opened = await here.open(hostile.address)
    for (const path of ['', 'activities', 'workers']) {
      await opened.page.goto(hostile.address + path)
      await opened.sees(ATTACKS[0] ?? '')
      expect(await opened.page.evaluate(() => (window as { hit?: unknown }).hit)).toBe(undefined)
    }
  })

  test('the policy of the pages refuses inline scripts and scripts from elsewhere', async () => {
    await using ground = await BrowserGround.open()
    await using opened = await here.open(ground.address)
    opened.expects(/Content Security Policy|violates the following/)
    const ran = await opened.page.evaluate(async () => {
      const inline = document.createElement('script')
      inline.textContent = 'window.hit = 6'
      document.body.append(inline)
      const other = document.createElement('script')
      other.src = 'data:text/javascript,window.hit=7'
      await new Promise(resolve => {
        other.addEventListener('error', resolve)
        other.addEventListener('load', resolve)
        document.body.append(other)
      })
      return (window as { hit?: unknown }).hit
    })
    expect(ran).toBe(undefined)
  })
})
