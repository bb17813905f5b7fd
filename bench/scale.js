'use strict'
// The C core with many readers that sleep, and with the largest ring there is.

const fs = require('node:fs')
const { runCore } = require('./programs.js')
const { quantile } = require('./statistics.js')

// All of a burst of 10,000 is in it when the last reader wakes.
const SLOTS = 16_384
// Much less than a burst: who looks each 5 ms is lapped.
const FEW_SLOTS = 1024
const LAPPED_PAUSE_US = 5000

const FULL = { bursts: 50, singles: 300, largeSlots: 2 ** 22 }
const QUICK = { bursts: 10, singles: 30, largeSlots: 2 ** 16 }
const sizesOf = (quick) => (quick ? QUICK : FULL)

/** What the full run's ring takes in /dev/shm, and a tenth for others. */
const LARGE_RING_BYTES = 1.1 * FULL.largeSlots * 384

/** [name, title, readers, slots, a reader's pause in microseconds] */
const CASES = [
  ['none', 'no reader', 0, SLOTS, 0],
  ...[1, 8, 64, 128].map((readers) => [
    `asleep-${readers}`,
    `${readers} reader${readers > 1 ? 's' : ''} asleep`,
    readers,
    SLOTS,
    0
  ]),
  ['none-few', 'no reader, 1,024 slots', 0, FEW_SLOTS, 0],
  [
    'lapped-128',
    '128 that look each 5 ms, and are lapped, 1,024 slots',
    128,
    FEW_SLOTS,
    LAPPED_PAUSE_US
  ]
]

/** Each reader's account adds up, by its own words; returns what all lost. */
function checkAccounts({ readers, published }) {
  for (const [i, { received, lost }] of readers.entries()) {
    if (received + lost !== published) {
      throw new Error(
        `reader ${i}: received ${received} + lost ${lost} is not the ` +
          `${published} that were published`
      )
    }
  }
  return readers.reduce((sum, { lost }) => sum + lost, 0)
}

/** Figures of what scale.c printed. */
function figuresOf(printed, isLapped) {
  const { ns, meanNs, bells, bursts, readers, published } = printed
  const lost = checkAccounts(printed)
  if (isLapped !== lost > 0) {
    throw new Error(
      `${lost} events were lost, of readers that are ${
        isLapped ? '' : 'not '
      }slower than the ring`
    )
  }
  if (readers.length === 0) return { ns, meanNs, bells, bursts }
  const all = (name) => readers.map((reader) => reader[name])
  return {
    ns,
    meanNs,
    bells,
    bursts,
    p50: quantile(all('p50'), 0.5),
    slowestP50: Math.max(...all('p50')),
    p99: Math.max(...all('p99')),
    max: Math.max(...all('max')),
    lostPercent: (100 * lost) / (published * readers.length)
  }
}

/** Why a ring of 2^22 slots cannot be measured here, or null. */
function whyNoLargeRing() {
  const place = fs.existsSync('/dev/shm') ? '/dev/shm' : null
  if (place === null) return 'There is no /dev/shm.'
  const { bavail, bsize } = fs.statfsSync(place)
  return bavail * bsize >= LARGE_RING_BYTES
    ? null
    : `/dev/shm has ${Math.round((bavail * bsize) / 2 ** 20)} MiB left, and ` +
        `${Math.round(LARGE_RING_BYTES / 2 ** 20)} are wanted; as root: ` +
        'mount -o remount,size=4g /dev/shm'
}

/** @param {{ quick: boolean, damage?: string }} options */
function scaleScenarios({ quick, damage }, have) {
  const { bursts, singles, largeSlots } = sizesOf(quick)
  const scenarios = []
  if (have.core) {
    scenarios.push({
      name: 'scale',
      title: 'A writer in C and readers that sleep, bursts of 10,000',
      kind: 'scale',
      cases: CASES.map(([name, title, readers, slots, pauseUs]) => ({
        name,
        title,
        every: true,
        // States from before there was scale.c cannot be asked.
        isOurs: false,
        run: async (side) => {
          const args = [readers, bursts, singles, slots, pauseUs]
          const printed = await runCore(side, 'scale', args, damage)
          return { figures: figuresOf(printed, pauseUs > 0) }
        }
      }))
    })
  }
  if (have.core && (quick || have.largeRing)) {
    scenarios.push({
      name: 'large-ring',
      title: `A ring of 2^${Math.log2(largeSlots)} slots`,
      kind: 'large-ring',
      cases: [
        {
          name: 'kg',
          title: 'made, filled, read, lapped, read by who was lapped',
          every: !quick,
          isOurs: false,
          run: async (side) => {
            const args = [largeSlots]
            const figures = await runCore(side, 'large_ring', args, damage)
            const { received, lost } = figures
            // The writer goes 1,000 events past the lap.
            if (received !== largeSlots || lost !== largeSlots + 1000) {
              throw new Error(`received ${received}, lost ${lost}`)
            }
            return { figures }
          }
        }
      ]
    })
  }
  return scenarios
}

module.exports = { checkAccounts, figuresOf, scaleScenarios, whyNoLargeRing }
