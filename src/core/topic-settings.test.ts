import { expect, test } from 'vitest'
import { isSettingEnough, unfitSettings } from './topic-settings.ts'

test.each<[string, string, string | undefined, boolean]>([
  ['retention.ms', '-1', '-1', true],
  ['retention.ms', '-1', '604800000', false],
  ['retention.ms', '604800000', '604800000', true],
  ['retention.ms', '604800000', '604800001', true],
  ['retention.ms', '604800000', '-1', true],
  ['retention.ms', '604800000', '604799999', false],
  ['retention.bytes', '-1', '1073741824', false],
  ['max.message.bytes', '1310720', '1048588', false],
  ['max.message.bytes', '1310720', '9000000', true],
  ['segment.ms', '3600000', '60000', true],
  ['segment.ms', '3600000', '604800000', false],
  ['min.cleanable.dirty.ratio', '0.1', '0.05', true],
  ['min.cleanable.dirty.ratio', '0.1', '0.5', false],
  ['min.cleanable.dirty.ratio', '0.1', '-1', false],
  ['compression.type', 'uncompressed', 'gzip', true],
  ['compression.type', 'gzip', 'uncompressed', false],
  ['compression.type', 'uncompressed', 'producer', false],
  ['compression.type', 'uncompressed', 'zstd', false],
  ['cleanup.policy', 'compact', 'compact,delete', false],
  ['cleanup.policy', 'delete', 'delete', true],
  ['min.insync.replicas', '2', '3', false],
  ['anything.else', 'a', undefined, false],
])('%s wanted %s, is %s: %s', (name, wanted, have, isEnough) => {
  expect(isSettingEnough(name, wanted, have)).toBe(isEnough)
})

test('settings that do not do are named, in the order in which they are wanted', () => {
  const wanted = { 'retention.ms': '-1', 'cleanup.policy': 'delete', 'segment.ms': '10' }
  expect(unfitSettings(wanted, { 'segment.ms': '11', 'retention.ms': '5', 'cleanup.policy': 'delete' })).toEqual([
    'retention.ms',
    'segment.ms',
  ])
  expect(unfitSettings({}, { 'retention.ms': '5' })).toEqual([])
})
