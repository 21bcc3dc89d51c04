// What an accessibility checker has to say of a page. Its script is evaluated, not loaded: the policy of the pages would refuse it.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

interface AxeAnswer {
  readonly violations: readonly {
    readonly id: string
    readonly help: string
    readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[]
  }[]
}

/** Every violation of WCAG 2.2 A and AA and of good practice, in a line each. */
export async function axeViolations(page: Page): Promise<string[]> {
  await page.evaluate(source)
  const answer = await page.evaluate<AxeAnswer>('axe.run(document, { resultTypes: ["violations"] })')
  return answer.violations.flatMap(({ id, help, nodes }) =>
    nodes.map(
      ({ html, failureSummary = '' }) =>
        `${id} (${help}): ${html.slice(0, 160)} ${failureSummary.replaceAll('\n', ' ')}`,
    ),
  )
}
