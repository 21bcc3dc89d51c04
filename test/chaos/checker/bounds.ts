// What the checker allows for: how exactly clocks are joined, how long a fault is felt after it is gone, how long things may
// take. Everything that is not here is allowed nothing.

/**
 * Redis's time and the machine's monotonic clock are joined by the fastest claim of the run, which is late by what its reply
 * took and by a part of a millisecond; an hour's slewing of the wall clock is some tens of milliseconds.
 */
export const CLOCK_TOLERANCE_MS = 100

/**
 * How long a fault is felt: reapers wait a default lease (15 s) after Redis was away, groups rebalance, leases that could not
 * be renewed run out.
 */
export const FAULT_LINGER_MS = 25_000

/** A record that is ready is claimed within this, when nothing is wrong: two cores are shared with brokers and load. */
export const PICKUP_MS = 5_000

/** Expired leases that a reaper takes back in one step. */
export const REAP_BATCH = 100

/** All work that was accepted has ended so long after the last fault was proven gone. */
export const REST_MS_MAX = 60_000

/** Ids in a message; the rest is a number. */
export const IDS_SHOWN = 20

/** Violations of one invariant that are told; the rest is a number. */
export const VIOLATIONS_SHOWN = 50
