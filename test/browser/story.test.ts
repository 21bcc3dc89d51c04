// The story of the console: somebody who has never seen it finds why an order failed, mends its payload, retries it and sees it complete.

import { expect, test } from 'vitest'
import { describeInBrowser } from '../support/browser.ts'
import { BrowserGround } from '../support/browser-ground.ts'

describeInBrowser('the story of one failed order', here => {
  test('it is found by its number, its error says why, its payload is mended and retried, and it completes', async () => {
    await using ground = await BrowserGround.open()
    const id = await ground.deadOrder('order-4711', { currency: 'EUR' })
    await ground.deadOrder('order-1')
    await using opened = await here.open(ground.address)
    const { page } = opened

    // Finds it: there is one box, and the order's number is what is known.
    await page.getByRole('searchbox').fill('order-4711')
    await page.keyboard.press('Enter')
    await opened.sees(/1 match in the \d+ activities looked at/)
    await page.locator('main tbody a.row-link').click()

    // Understands it: in a sentence, with the error and its code.
    await opened.sees(/is a dead letter/)
    await opened.sees('amount -5 of order order-4711 is below zero')
    await opened.sees('EAMOUNT')
    await page.locator('.timeline .entry-attempt').nth(1).waitFor()
    expect(await page.locator('.timeline .entry-attempt').count()).toBe(2)

    // Mends it.
    await opened.button('Edit, then retry…').click()
    const editor = page.getByLabel('Payload (JSON)')
    await editor.fill((await editor.inputValue()).replace('-5', '5'))
    expect(await page.locator('.diff-out').textContent()).toContain('"amount": -5')
    expect(await page.locator('.diff-in').textContent()).toContain('"amount": 5')
    await page.getByLabel('Why (goes into the audit)').fill('the amount had the wrong sign')
    await opened.button('Retry with this payload').click()

    // Sees it complete, on a page of its own that names the original, which is as it was.
    await opened.sees(/It completed on attempt 1/)
    await opened.sees('edited from')
    const edited = decodeURIComponent(new URL(page.url()).pathname.split('/').at(-1) ?? '')
    expect(edited).not.toBe(id)
    expect(JSON.parse((await ground.storage.getActivity({ id: edited }))?.payloadJson ?? '')).toMatchObject({
      amount: 5,
    })
    expect(await ground.storage.getActivity({ id })).toMatchObject({ status: 'dead_letter', redrivenAs: edited })
    await page.getByRole('link', { name: 'Audit' }).click()
    await opened.sees('the amount had the wrong sign')
  })
})
