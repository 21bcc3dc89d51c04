import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeFinishedAhead, encodeFinishedAhead } from './commit-metadata.ts'
import type { OffsetRun } from './offset-ledger.ts'

const runsAbove = (frontier: number) =>
  fc
    .array(fc.tuple(fc.integer({ min: 1, max: 1e6 }), fc.integer({ min: 1, max: 1e6 })), { maxLength: 2_000 })
    .map(pairs => {
      const runs: OffsetRun[] = []
      let end = frontier
      for (const [gap, length] of pairs) {
        runs.push({ from: end + gap, to: end + gap + length })
        end += gap + length
      }
      return runs
    })

describe('commit metadata', () => {
  it('writes the example of its grammar', () => {
    const runs = [
      { from: 103, to: 106 },
      { from: 110, to: 111 },
    ]
    expect(encodeFinishedAhead(100, runs)).toBe('e1:3.3.4.1')
    expect(decodeFinishedAhead(100, 'e1:3.3.4.1')).toEqual(runs)
  })

  it('says nothing when nothing is finished ahead', () => {
    expect(encodeFinishedAhead(7, [])).toBe('')
    expect(decodeFinishedAhead(7, '')).toEqual([])
  })

  it('reads back what it wrote, and leaves out what does not fit', () => {
    fc.assert(
      fc.property(
        fc.nat(1e9).chain(frontier => fc.tuple(fc.constant(frontier), runsAbove(frontier))),
        fc.constantFrom(50, 4_096),
        ([frontier, runs], bytesMax) => {
          const text = encodeFinishedAhead(frontier, runs, bytesMax)
          expect(Buffer.byteLength(text)).toBeLessThanOrEqual(bytesMax)
          const read = decodeFinishedAhead(frontier, text)
          expect(read).toEqual(runs.slice(0, read.length))
          if (text.length < bytesMax - 20) expect(read).toHaveLength(runs.length)
        },
      ),
    )
  })

  it.each([
    'e1:',
    'e1:1',
    'e1:1.2.3',
    'e1:0.1',
    'e1:1.0',
    'e1:-1.2',
    'e1:1.2 ',
    'e1:1,2',
    'e1:A.B',
    'e2:1.2',
    'offsets of another tool',
    'e1:zzzzzzzzzzz.zzzzzzzzzzz',
    `e1:${'1.1.'.repeat(2_000)}1.1`,
    null,
    undefined,
  ])('takes %j for nothing', text => {
    expect(decodeFinishedAhead(5, text)).toEqual([])
  })

  it('never throws, whatever the text is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), text => {
        expect(Array.isArray(decodeFinishedAhead(0, text))).toBe(true)
        expect(Array.isArray(decodeFinishedAhead(0, `e1:${text}`))).toBe(true)
      }),
    )
  })
})
