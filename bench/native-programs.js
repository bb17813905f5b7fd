'use strict'
// What the C programs measure two at a time: floors, the core and its peers.

const path = require('node:path')
const { FLOORS, runCore, runProgram } = require('./programs.js')
const { THIS } = require('./sides.js')
const { quantile } = require('./statistics.js')

/** @param {number} [line] what a cache line took meanwhile, ns */
function oneWay(samples, line) {
  const figures = {
    p50: quantile(samples, 0.5),
    p90: quantile(samples, 0.9),
    p99: quantile(samples, 0.99)
  }
  if (line !== undefined) figures.line = line
  return { figures, samples }
}

const floor = (program, ...args) =>
  runProgram(path.join(FLOORS, 'build', program), args)

/**
 * What a program of core/ printed. States from before cache lines were timed
 * have the rate or the samples alone.
 * @returns {{ rate?: number, samples?: number[], line?: number }} `line`: ns
 *   that a cache line took before the measurement or behind it, whichever was
 *   more
 */
function readPrinted(printed) {
  if (typeof printed === 'number') return { rate: printed }
  if (Array.isArray(printed)) return { samples: printed }
  const { line, ...rest } = printed
  return line === undefined ? rest : { ...rest, line: 1000 * Math.max(...line) }
}

const core = async (side, program, mode, count, variant, damage) =>
  readPrinted(await runCore(side, program, [mode, count, variant], damage))

function floorCases(pauseMs, count, quick) {
  const programs = [
    ['futex', 'futex', []],
    ['chain', 'futex, thread, eventfd, epoll', []],
    ['spin-chain', 'spinning thread, eventfd, epoll', ['spin']]
  ]
  return programs.map(([name, title, more]) => ({
    name,
    title,
    every: !quick,
    run: async () => {
      const program = name === 'futex' ? 'futex' : 'epoll_chain'
      return oneWay(await floor(program, count, pauseMs * 1000, ...more))
    }
  }))
}

// [name, program, variant, title, events of the quick run, needs]
const CHANNELS = [
  ['kg', 'kg', 'checked', 'C core, checksums', 2e6, 'core'],
  ['kg-plain', 'kg', 'plain', 'C core, no checksums', 2e6, 'core'],
  ['kg-reliable', 'kg', 'reliable', 'C core, checksums, reliable', 2e6, 'core'],
  ['bare', 'bare', '-', '384 bytes and a counter (floor)', 4e6, 'core'],
  ['boost-spsc', 'boost_spsc', '-', 'boost spsc_queue', 4e6, 'boost'],
  [
    ...['boost-spsc-crc', 'boost_spsc', 'crc'],
    ...['boost spsc_queue, checksums', 4e6, 'boost']
  ],
  [
    ...['boost-spsc-eager', 'boost_spsc', 'eager'],
    ...['boost spsc_queue, no pauses', 4e6, 'boost']
  ],
  ['boost-queue', 'boost_queue', '-', 'boost message_queue', 3e5, 'boost'],
  ['posix-queue', 'posix_queue', '-', 'POSIX message queue', 5e4, 'core']
]

/** @param {{ quick: boolean, damage?: string }} options */
function nativeScenarios({ quick, damage }, have) {
  const channels = CHANNELS.filter(([, , , , , needs]) => have[needs])
  // A floor of its own is beside them, and with single events nobody pauses.
  const single = channels.filter(([name]) => !/^bare|eager$/.test(name))
  const scenarios = []
  if (have.floors) {
    for (const pauseMs of [20, 1]) {
      scenarios.push({
        name: `floors-${pauseMs}`,
        title: `Floors in C, ${pauseMs} ms apart`,
        kind: 'latency',
        cases: floorCases(
          pauseMs,
          pauseMs === 20 ? (quick ? 40 : 150) : 300,
          quick
        )
      })
    }
  }
  if (channels.length > 0) {
    scenarios.push({
      name: 'core',
      title: 'Two C processes, events of 384 bytes',
      kind: 'rate',
      isNative: true,
      cases: channels.map(([name, program, variant, title, events]) => ({
        name,
        title,
        every: true,
        isOurs: program === 'kg',
        run: async (side) => {
          const count = quick ? events : events * 4
          const args = ['throughput', count, variant, damage]
          return { figures: await core(side, program, ...args) }
        }
      }))
    })
  }
  if (channels.length > 0) {
    scenarios.push({
      name: 'core-cold',
      title: 'Two C processes, cold burst of 8,192',
      kind: 'rate',
      isNative: true,
      cases: channels.map(([name, program, variant, title]) => ({
        name,
        title,
        every: true,
        // States from before there was `cold` would run warm, in silence.
        isOurs: false,
        run: async (side) => {
          const args = ['cold', 8192, variant, damage]
          return { figures: await core(side, program, ...args) }
        }
      }))
    })
  }
  scenarios.push({
    name: 'one-way',
    title: 'Two C processes, half a round trip',
    kind: 'one-way',
    isNative: true,
    cases: [
      have.floors && {
        name: 'cache-line',
        title: 'a cache line, spinning (floor)',
        every: true,
        run: async () => {
          const samples = await floor('cache_line', 3000, 0)
          return oneWay(samples, 1000 * quantile(samples, 0.5))
        }
      },
      have.core && {
        name: 'bare',
        title: '384 bytes and a counter, spinning (floor)',
        every: true,
        run: async () => {
          const args = ['one-way', 3000, '-', damage]
          const { samples, line } = await core(THIS, 'bare', ...args)
          return oneWay(samples, line)
        }
      },
      ...single.map(([name, program, variant, title, , needs]) => ({
        name,
        title: title + (/queue$/.test(name) ? ', asleep' : ', spinning'),
        every: true,
        isOurs: program === 'kg',
        run: async (side) => {
          const count = /queue$/.test(name) && needs ? 500 : 3000
          const args = ['one-way', count, variant, damage]
          const { samples, line } = await core(side, program, ...args)
          return oneWay(samples, line)
        }
      }))
    ].filter(Boolean)
  })
  return scenarios
}

module.exports = { nativeScenarios, readPrinted }
