// Everything that can be done, done in a browser; and that who may only look has nothing to press.

import { expect, test } from 'vitest'
import { BrowserGround, longRun, unattended, until } from '../support/browser-ground.ts'
import { makeDeadLetters } from '../support/dead-letters.ts'
import type { OpenPage } from '../support/browser.ts'
import { describeInBrowser } from '../support/browser.ts'

const VIEW_TOKEN = 'only-to-look-0123456789'
const ACT_TOKEN = 'to-look-and-act-0123456789'

/** Says why, and does it. */
async function confirm(opened: OpenPage, reason: string, verb: string | RegExp): Promise<void> {
  await opened.page.getByLabel('Why (goes into the audit)').fill(reason)
  await opened.page.getByRole('dialog').getByRole('button', { name: verb }).click()
  await opened.page.getByRole('dialog').waitFor({ state: 'detached' })
}

describeInBrowser('what can be done', here => {
  test('one that waits is cancelled, one that runs is asked to end', async () => {
    await using ground = await BrowserGround.open()
    const waits = await ground.client.enqueue(unattended, {})
    const runs = await ground.client.enqueue(longRun, {})
    await ground.stands(runs.id, 'running')
    await using opened = await here.open(`${ground.address}activities/${waits.id}`)
    await opened.button('Cancel…').click()
    await confirm(opened, 'not needed', 'Cancel it')
    await opened.sees('It was cancelled')
    await opened.page.goto(`${ground.address}activities/${runs.id}`)
    await opened.button('Cancel…').click()
    await opened.sees('its handler is asked to end')
    await confirm(opened, 'takes too long', 'Cancel it')
    await ground.stands(runs.id, 'cancelled')
    await opened.sees('It was cancelled')
    expect(await opened.button('Cancel…').count()).toBe(0)
  })

  test('a dead letter is redriven once, however often it is clicked, and both name each other', async () => {
    await using ground = await BrowserGround.open()
    const id = await ground.deadOrder()
    await using opened = await here.open(`${ground.address}activities/${id}`)
    const { page } = opened
    await opened.button('Redrive…').click()
    const dialog = page.getByRole('dialog')
    expect(await dialog.getByRole('button', { name: 'Redrive it' }).isDisabled()).toBe(true)
    await page.getByLabel('Why (goes into the audit)').fill('the limit was raised')
    const requests: string[] = []
    page.on('request', request => {
      if (request.method() === 'POST') requests.push(request.headers()['x-errand-request'] ?? 'none')
    })
    await dialog.getByRole('button', { name: 'Redrive it' }).dblclick({ noWaitAfter: true })
    await dialog.waitFor({ state: 'detached' })
    await opened.sees('redriven as')
    expect(new Set(requests).size).toBe(1)
    expect(requests[0]).toMatch(/^[0-9a-f-]{36}$/)
    const again = (await ground.storage.getActivity({ id }))?.redrivenAs ?? ''
    expect(await ground.storage.getActivity({ id: again })).toMatchObject({ redriveOf: id })
    await page.locator('.relations a').click()
    await opened.sees('redrive of')
  })

  test('an answer that was lost on the way: trying again is the same request, and makes nothing new', async () => {
    await using ground = await BrowserGround.open()
    const id = await ground.deadOrder()
    await using opened = await here.open(`${ground.address}activities/${id}`)
    opened.expects(/ERR_FAILED/)
    const { page } = opened
    const requests: string[] = []
    await page.route('**/edit-and-redrive', async route => {
      requests.push(route.request().headers()['x-errand-request'] ?? 'none')
      if (requests.length > 1) return route.continue()
      await route.fetch() // it is done, and nobody hears of it
      return route.abort()
    })
    await opened.button('Edit, then retry…').click()
    await page.getByLabel('Payload (JSON)').fill('{"orderId":"42","amount":5}')
    await page.getByLabel('Why (goes into the audit)').fill('the sign')
    await opened.button('Retry with this payload').click()
    await opened.sees('the console does not answer')
    await opened.button('Retry with this payload').click()
    await opened.sees(/It completed on attempt 1/)
    expect(requests).toHaveLength(2)
    expect(requests[1]).toBe(requests[0])
    expect((await ground.storage.stats()).byType['charge-order']).toMatchObject({ completed: 1, dead_letter: 1 })
  })

  test('a mistake in an edited payload is told with its place, large numbers keep every digit', async () => {
    await using ground = await BrowserGround.open()
    const id = await ground.deadPayload('{"orderId":"7","amount":-5,"account":9007199254740993,"rate":1.10}')
    await using opened = await here.open(`${ground.address}activities/${id}`)
    const { page } = opened
    await opened.sees('9007199254740993')
    await opened.sees('1.10')
    await opened.button('Edit, then retry…').click()
    const editor = page.getByLabel('Payload (JSON)')
    await editor.fill('{\n  "orderId": "7",\n  "amount": 5,\n}')
    await opened.sees('line 4, column 1: a name in double quotes should be here')
    await page.getByLabel('Why (goes into the audit)').fill('a comma too many')
    expect(await opened.button('Retry with this payload').isDisabled()).toBe(true)
    await editor.fill('{"orderId":"7","amount":5,"account":9007199254740993}')
    await confirm(opened, 'digits stay', 'Retry with this payload')
    await opened.sees(/It completed on attempt 1/)
    await opened.sees('9007199254740993')
  })

  test('a group is redriven as an operation that is seen, with count, rate and reason, and can be stopped', async () => {
    await using ground = await BrowserGround.open()
    const { storage } = ground
    const ids = await makeDeadLetters(storage, { type: 'mail', count: 30 })
    await ground.deadOrder()
    await using opened = await here.open(`${ground.address}dead-letters`)
    const { page } = opened
    await opened.sees('30 dead letters')
    await page
      .getByRole('listitem')
      .filter({ hasText: 'no route to host' })
      .getByRole('button', { name: 'Redrive this group…' })
      .click()
    await opened.sees('30 activities')
    await page.getByLabel('A second, at most').fill('2')
    await confirm(opened, 'the limit was raised', 'Redrive 30')
    await opened.sees('the limit was raised')
    await opened.sees(/[1-9]\d? settled of 30/)
    await opened.button('Stop it…').click()
    await confirm(opened, 'enough', 'Stop it')
    await opened.sees('cancelled')
    await page.goto(`${ground.address}operations`)
    await opened.sees('the limit was raised')
    const redriven = await Promise.all(ids.map(async id => (await storage.getActivity({ id }))?.redrivenAs))
    expect(redriven.filter(each => each !== null).length).toBeLessThan(30)
    await page.goto(`${ground.address}audit`)
    for (const text of ['start-operation', 'cancel-operation', 'enough']) await opened.sees(text)
  })

  test('members of a group are listed; those that are chosen are redriven, and no others', async () => {
    await using ground = await BrowserGround.open()
    const [first, second, third] = [
      await ground.deadOrder('1'),
      await ground.deadOrder('2'),
      await ground.deadOrder('3'),
    ]
    await using opened = await here.open(`${ground.address}dead-letters`)
    const { page } = opened
    await page.locator('.group h2 a').click()
    await opened.sees('3 dead letters of this error in the 3 newest looked at')
    await page.getByLabel(`Select ${first}`).check()
    await page.getByLabel(`Select ${third}`).check()
    await opened.button('Redrive 2 selected ones…').click()
    await opened.sees('2 activities')
    await confirm(opened, 'these two', 'Redrive 2')
    await opened.sees('2 settled of 2')
    const redrivenAs = async (id: string): Promise<string | null | undefined> =>
      (await ground.storage.getActivity({ id }))?.redrivenAs
    await until(
      'both are redriven',
      async () => (await redrivenAs(first)) !== null && (await redrivenAs(third)) !== null,
    )
    expect(await redrivenAs(second)).toBe(null)
  })

  test('dead letters that were dealt with are discarded: one, those chosen, a group; and are shown where asked for', async () => {
    await using ground = await BrowserGround.open()
    const { storage } = ground
    await makeDeadLetters(storage, { type: 'mail', count: 4 })
    const [one, chosen, left] = [await ground.deadOrder('1'), await ground.deadOrder('2'), await ground.deadOrder('3')]
    const discardedOf = async (id: string): Promise<string | null | undefined> =>
      (await storage.getActivity({ id }))?.discarded?.reason
    await using opened = await here.open(`${ground.address}activities/${one}`)
    const { page } = opened
    await opened.button('Discard…').click()
    await confirm(opened, 'paid by hand', 'Discard it')
    await opened.sees('It is discarded.')
    await opened.sees(/Discarded .*: paid by hand/)
    expect(await opened.button('Discard…').count()).toBe(0)
    expect(await opened.button('Redrive…').count()).toBe(1)
    expect(await discardedOf(one)).toBe('paid by hand')

    await page.goto(`${ground.address}activities?status=dead_letter`)
    const rows = page.locator('main tbody tr')
    await until('the discarded one is not listed', async () => (await rows.count()) === 6)
    await page.getByLabel(`Select ${chosen}`).check()
    await opened.button('Discard 1 selected one…').click()
    await opened.sees('1 activity matches.')
    await confirm(opened, 'this one too', 'Discard 1')
    await opened.sees('1 settled of 1')
    expect([await discardedOf(chosen), await discardedOf(left)]).toEqual(['this one too', undefined])

    await page.goto(`${ground.address}dead-letters`)
    const group = page.getByRole('listitem').filter({ hasText: 'no route to host' })
    await group.getByRole('button', { name: 'Discard this group…' }).click()
    await opened.sees('4 activities')
    await confirm(opened, 'the campaign is over', 'Discard 4')
    await opened.sees('4 settled of 4')
    await page.goto(`${ground.address}activities?status=dead_letter`)
    await until('one is left', async () => (await rows.count()) === 1)
    await page.getByLabel('Show discarded ones too').check()
    await until('all are listed', async () => (await rows.count()) === 7)
    expect(await rows.filter({ hasText: 'the campaign is over' }).count()).toBe(4)
  })

  test('all that match are cancelled: the filter counts, not the page', async () => {
    await using ground = await BrowserGround.open()
    for (let n = 0; n < 70; n++) await ground.client.enqueue(unattended, { n })
    await using opened = await here.open(`${ground.address}activities?status=pending&type=unattended`)
    const { page } = opened
    await until('one page of them', async () => (await page.locator('main tbody tr').count()) === 50)
    await opened.button('Cancel all that match…').click()
    await opened.sees('70 activities')
    await page.getByLabel('A second, at most').fill('1000')
    await confirm(opened, 'nobody needs them', 'Cancel 70')
    await opened.sees('70 settled of 70')
    expect(await ground.storage.stats()).toMatchObject({ byType: { unattended: { pending: 0, cancelled: 70 } } })
  })

  test('pages of a list: older ones, and back to the newest', async () => {
    await using ground = await BrowserGround.open()
    for (let n = 0; n < 60; n++) await ground.client.enqueue(unattended, { n })
    await using opened = await here.open(`${ground.address}activities?type=unattended`)
    const rows = opened.page.locator('main tbody tr')
    await until('a page', async () => (await rows.count()) === 50)
    await opened.button('Older').click()
    await until('the rest', async () => (await rows.count()) === 10)
    expect(new URL(opened.page.url()).searchParams.get('cursor')).not.toBe(null)
    await opened.page.reload()
    await until('the rest again, from its address', async () => (await rows.count()) === 10)
    await opened.button('Newest').click()
    await until('the first page', async () => (await rows.count()) === 50)
  })
})

describeInBrowser('who may do it', here => {
  test('a token lets in; who may only look sees no button that acts; signing out ends it', async () => {
    await using ground = await BrowserGround.open({ console: { token: { view: VIEW_TOKEN, act: ACT_TOKEN } } })
    const id = await ground.deadOrder()
    await using opened = await here.open(`${ground.address}activities/${id}`)
    opened.expects(/status of 401/)
    const { page } = opened
    const signIn = async (token: string): Promise<void> => {
      await page.getByLabel('Token').fill(token)
      await opened.button('Sign in').click()
    }
    await signIn('a-wrong-token-0123456789')
    await opened.sees('that token is none of this console')
    await signIn(VIEW_TOKEN)
    await opened.sees('amount -5 of order 42 is below zero')
    await opened.sees('may look')
    expect(await page.getByRole('button', { name: /Redrive|Edit|Cancel/ }).count()).toBe(0)
    await page.keyboard.press('r')
    expect(await page.getByRole('dialog').count()).toBe(0)
    await page.goto(`${ground.address}dead-letters`)
    await opened.sees('1 dead letter')
    expect(await page.getByRole('button', { name: /Redrive/ }).count()).toBe(0)
    await opened.button('Sign out').click()
    await signIn(ACT_TOKEN)
    await opened.button('Redrive this group…').waitFor()
    expect(await page.evaluate(() => document.cookie)).toBe('')
    expect(page.url()).not.toContain(ACT_TOKEN)
  })
})
