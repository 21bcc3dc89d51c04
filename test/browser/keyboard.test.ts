// The pages by the keyboard alone.

import { expect, test } from 'vitest'
import { BrowserGround } from '../support/browser-ground.ts'
import { describeInBrowser } from '../support/browser.ts'

describeInBrowser('the keyboard', here => {
  test('leads to every page, through rows, into one, to its actions and back', async () => {
    await using ground = await BrowserGround.open()
    const older = await ground.deadOrder('1')
    const newer = await ground.deadOrder('2')
    await using opened = await here.open(ground.address)
    const { page } = opened
    const press = async (...keys: string[]): Promise<void> => {
      for (const key of keys) await page.keyboard.press(key)
    }
    await opened.sees('Types and lanes')
    const pages = {
      a: 'Activities',
      d: 'Dead letters',
      p: 'Operations',
      w: 'Workers',
      k: 'Topics',
      h: 'Doctor',
      u: 'Audit',
      o: 'Overview',
    }
    for (const [letter, title] of Object.entries(pages)) {
      await press('g', letter)
      await page.getByRole('heading', { level: 1, name: title }).waitFor()
      expect(await page.locator('header [aria-current=page]').textContent()).toBe(title)
    }
    await page.goto(`${ground.address}activities?status=dead_letter`)
    await page.locator('main tbody tr').nth(1).waitFor()
    await press('j', 'j', 'k')
    expect(await page.evaluate(() => document.activeElement?.getAttribute('title'))).toBe(newer)
    await press('j', 'Enter')
    await page.getByRole('heading', { level: 1, name: older }).waitFor()
    await opened.sees(/is a dead letter/)
    await press('e')
    await page.getByRole('dialog', { name: 'Edit the payload, then retry' }).waitFor()
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('edited')
    await press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await press('r')
    await page.getByRole('dialog', { name: 'Redrive this activity' }).waitFor()
    await press('Escape', 'Escape')
    await page.getByRole('heading', { level: 1, name: 'Activities' }).waitFor()
  })

  test('searches, selects, shows help and changes the theme; typing is typing', async () => {
    await using ground = await BrowserGround.open()
    await ground.deadOrder('1')
    await using opened = await here.open(`${ground.address}dead-letters`)
    const { page } = opened
    await opened.sees('1 dead letter')
    await page.keyboard.press('/')
    await page.keyboard.type('gt?')
    expect(await page.getByRole('searchbox').inputValue()).toBe('gt?')
    await page.keyboard.press('Escape')
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keys' }).waitFor()
    await opened.sees('redrive all that match (this page)')
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await page.locator('main tbody tr').waitFor()
    await page.keyboard.press('j')
    await page.keyboard.press('x')
    await opened.button('Redrive 1 selected one…').waitFor()
    await page.keyboard.press('t')
    expect(await page.evaluate(() => document.documentElement.dataset.theme)).toBe('dark')
  })

  test('what has the focus shows it, and the first Tab leads past the menu', async () => {
    await using ground = await BrowserGround.open()
    await using opened = await here.open(ground.address)
    const { page } = opened
    await opened.sees('Overview')
    await page.keyboard.press('Tab')
    expect(await page.evaluate(() => document.activeElement?.textContent?.trim())).toBe('To the content')
    await page.keyboard.press('Enter')
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('main')
    await page.keyboard.press('Tab')
    const outline = await page.evaluate(() => {
      const focused = document.activeElement
      return focused === null ? '' : getComputedStyle(focused).outlineStyle
    })
    expect(outline).toBe('solid')
  })
})
