import { expect, test } from 'vitest'
import { ErrandError } from '../../core/errors.ts'
import { stacksOf } from './error-stacks.ts'

function deepInside(): Error {
  return new Error('the module is broken')
}

test('the stacks of causes stand below, each with its own frames', () => {
  const error = new ErrandError('invalid_argument', 'cannot be imported.', { cause: deepInside() })
  const [own = '', cause = ''] = stacksOf(error).split('caused by: ')
  expect(own).toContain('[invalid_argument] cannot be imported.')
  expect(own).not.toContain('deepInside')
  expect(cause).toMatch(/^Error: the module is broken\n +at deepInside/)
})

test('several causes are all told, what is no error too, and one that causes itself ends', () => {
  const circular = new Error('round')
  circular.cause = circular
  expect(stacksOf(circular).match(/Error: round/g)).toHaveLength(9)
  const several = stacksOf(new AggregateError([new Error('a'), 'b'], 'both'))
  for (const text of ['AggregateError: both', 'caused by: Error: a', 'caused by: b']) expect(several).toContain(text)
})
