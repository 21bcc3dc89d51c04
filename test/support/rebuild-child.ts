// A process that rebuilds and comes to harm midway, in a way that its own code cannot see coming. Arguments: the options of the
// storage, and what happens, both as JSON. `diesAt`: killed as by the machine under it when so much of the outcomes is done,
// while pages are under way · `standsAt`: says so and stands still at the beginning of a phase until a line comes.

import { readSync, writeSync } from 'node:fs'
import type { KafkaStorageOptions, RebuildPhase } from '../../src/storage/kafka/index.ts'
import { rebuild } from '../../src/storage/kafka/index.ts'

const [options = '', what = ''] = process.argv.slice(2)
const { diesAt, standsAt } = JSON.parse(what) as { diesAt?: number; standsAt?: RebuildPhase }
let hasStood = false

await rebuild(JSON.parse(options) as KafkaStorageOptions, {
  onProgress: ({ phase, done, total }) => {
    if (diesAt !== undefined && phase === 'outcomes' && done >= total * diesAt) process.kill(process.pid, 'SIGKILL')
    if (phase !== standsAt || hasStood) return
    hasStood = true
    writeSync(1, 'stands\n')
    readSync(0, Buffer.alloc(1))
  },
})
