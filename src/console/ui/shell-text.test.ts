import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { enqueueCode, enqueueLine, shellLine, variableOf } from './shell-text.ts'

test('a shell gives back what was quoted, whatever it is', () => {
  const hostile = [`it's`, '$(touch /tmp/x)', '`id`', '; rm -rf /', 'a\nb', '"', '\\', '*', '', '~', '!x', "''"]
  const said = execFileSync('sh', ['-c', `printf '%s\\0' ${shellLine(...hostile)}`], { encoding: 'utf8' })
  expect(said.split('\0').slice(0, -1)).toEqual(hostile)
})

const order = { type: 'send-invoice', priority: 'high', key: 'invoice-42', payloadText: '{"id":9007199254740993}' }

test('an activity as a command line', () => {
  expect(enqueueLine(order)).toBe(
    `errand enqueue send-invoice '{"id":9007199254740993}' --key invoice-42 --priority high`,
  )
  expect(enqueueLine({ ...order, key: null, priority: 'normal', payloadText: null })).toBe(
    `errand enqueue send-invoice '{}'`,
  )
})

test('an activity as code', () => {
  expect(enqueueCode(order)).toContain(
    `await client.enqueue(sendInvoice, {"id":9007199254740993}, { key: "invoice-42", priority: "high" })`,
  )
  expect([variableOf('send-invoice'), variableOf('a_b-'), variableOf('')]).toEqual(['sendInvoice', 'aB', 'activity'])
})
