import { describe, expect, test } from 'vitest'
import { basePathOf, below, pathBelow } from './base-path.ts'

describe('the base is found from the script', () => {
  test.each([
    ['http://localhost:7000/assets/main-1.js', '/'],
    ['https://h/ops/errand/assets/main-1.js?x', '/ops/errand/'],
    ['https://h/assets/of/assets/main.js', '/assets/of/'],
    ['http://localhost:5173/main.tsx', '/'],
  ])('%s → %s', (url, base) => expect(basePathOf(url)).toBe(base))
})

test.each([
  ['/', 'api/stats', '/api/stats'],
  ['/ops/errand/', '/activities', '/ops/errand/activities'],
  ['/ops/', '//x', '/ops/x'],
])('below %s, %s is %s: no double slash', (base, path, said) => expect(below(base, path)).toBe(said))

test.each([
  ['/ops/errand/', '/ops/errand', ''],
  ['/ops/errand/', '/ops/errand/activities/1', 'activities/1'],
  ['/ops/errand/', '/ops/errand/activities/', 'activities'],
  ['/ops/errand/', '/ops/errands', null],
  ['/', '//activities', 'activities'],
])('below %s, the path of %s is %s', (base, path, said) => expect(pathBelow(base, path)).toBe(said))
