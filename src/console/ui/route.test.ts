import { expect, test } from 'vitest'
import { detailPath, hrefOf, menuPageOf, parseRoute } from './route.ts'

const at = (address: string) => parseRoute('/ops/', new URL(address, 'http://h'))

test.each([
  ['/ops', { page: 'overview', query: {} }],
  ['/ops/', { page: 'overview', query: {} }],
  ['/ops/activities?status=failed&type=a', { page: 'activities', query: { status: 'failed', type: 'a' } }],
  ['/ops/activities/0199%3A1', { page: 'activity', id: '0199:1', query: {} }],
  ['/ops/dead-letters/5c0f3a9be1d24a77', { page: 'group', id: '5c0f3a9be1d24a77', query: {} }],
  ['/ops/operations/x', { page: 'operation', id: 'x', query: {} }],
  ['/ops/activities/a/b', { page: 'unknown', path: 'activities/a/b', query: {} }],
  ['/ops/activities/%zz', { page: 'unknown', path: 'activities/%zz', query: {} }],
  ['/elsewhere', { page: 'unknown', path: '/elsewhere', query: {} }],
])('%s is a page', (address, route) => expect(at(address)).toEqual(route))

test('what is written is read again, and empty filters are left out', () => {
  const href = hrefOf('/ops/', 'activities', { status: 'dead_letter', type: '', text: 'a&b=ü' })
  expect(href).toBe('/ops/activities?status=dead_letter&text=a%26b%3D%C3%BC')
  expect(at(href)).toEqual({ page: 'activities', query: { status: 'dead_letter', text: 'a&b=ü' } })
  expect(at(hrefOf('/ops/', detailPath('activities', '../x?')))).toMatchObject({ page: 'activity', id: '../x?' })
})

test('a detail belongs to the page of its list', () => {
  expect(menuPageOf(at('/ops/dead-letters/1'))).toBe('dead-letters')
  expect(menuPageOf(at('/ops/activities/1'))).toBe('activities')
  expect(menuPageOf(at('/ops/operations/1'))).toBe('operations')
  expect(menuPageOf(at('/ops/nothing'))).toBe(null)
})
